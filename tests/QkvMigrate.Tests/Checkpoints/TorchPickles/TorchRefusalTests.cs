using QkvMigrate.Testing.Pickles;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Checkpoints.TorchPickles.TorchPickleTests;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>Tensors and storages that cannot be, with the whole message.</summary>
public sealed class TorchRefusalTests
{
    private const string Hooks = "ccollections\nOrderedDict\n)R";
    private static readonly string Floats = Storage(Text("0"), 100);

    public static TheoryData<string, int> Broken { get; } = [.. Cases.Select((example, number) => (example.Problem, number))];

    [Theory]
    [MemberData(nameof(Broken))]
    public void What_cannot_be_is_refused(string problem, int number)
    {
        var (kind, expected, tensor) = Cases[number];
        Assert.Equal(expected, problem);
        var refused = Assert.Throws<MigrationException>(() => Read(Dict(("w", tensor))));
        Assert.Equal(problem, refused.Problem);
        Assert.Equal("pickle", refused.Where);
        Assert.Equal(kind, refused.Kind);

        // The offset is that of the instruction that makes the tensor, or of the storage's persistent id.
        var isStorage = problem.StartsWith("storage ", StringComparison.Ordinal) || problem.StartsWith("a storage ", StringComparison.Ordinal) || problem.StartsWith("a persistent id ", StringComparison.Ordinal);
        Assert.Equal(isStorage ? (byte)'Q' : (byte)'R', TorchCode.Pickle(Dict(("w", tensor)))[refused.Offset!.Value]);
    }

    private static List<(FailureKind Kind, string Problem, string Tensor)> Cases =>
    [
        // Out of the storage
        Malformed("a tensor of shape (101), strides (1) and offset 0 reaches out of storage 0, which has 400 bytes", Tensor(Floats, 0, [101], [1])),
        Malformed("a tensor of shape (100), strides (1) and offset 1 reaches out of storage 0, which has 400 bytes", Tensor(Floats, 1, [100], [1])),
        Malformed("a tensor of shape (10, 10), strides (10, 2) and offset 0 reaches out of storage 0, which has 400 bytes", Tensor(Floats, 0, [10, 10], [10, 2])),
        Malformed("a tensor of shape (), strides () and offset 100 reaches out of storage 0, which has 400 bytes", Tensor(Floats, 100, [], [])),
        Malformed("a tensor of shape (11), strides (1) and offset 0 reaches out of storage 0, which has 40 bytes", Tensor(Storage(Text("0"), 10), 0, [11], [1])),
        Malformed("a tensor of shape (26), strides (1) and offset 0 reaches out of storage 0, which has 200 bytes", TensorV3(Storage(Text("0"), 200, "torch.storage\nUntypedStorage"), 0, [26], [1], "uint64")),

        // Numbers beyond every file
        Malformed("a tensor of shape (4294967296, 4294967296) and strides (1, 1), which no file can hold", Tensor(Floats, 0, [1L << 32, 1L << 32], [1, 1])),
        Malformed("a tensor of shape (2) and strides (9223372036854775807), which no file can hold", Tensor(Floats, 1, [2], [long.MaxValue])),
        Malformed("a tensor of shape (9223372036854775807, 9223372036854775807) and strides (9223372036854775807, 9223372036854775807), which no file can hold", Tensor(Floats, long.MaxValue, [long.MaxValue, long.MaxValue], [long.MaxValue, long.MaxValue])),
        Malformed("a tensor of shape (1), strides (1) and offset 9223372036854775807 reaches out of storage 0, which has 400 bytes", Tensor(Floats, long.MaxValue, [1], [1])),

        // Negative numbers, and what is none
        Malformed("torch._utils._rebuild_tensor_v2 without a storage and an offset", Tensor(Floats, -1, [1], [1])),
        Malformed("torch._utils._rebuild_tensor_v2 without a storage and an offset", Call("torch._utils", "_rebuild_tensor_v2", Floats, "N", Ints(1), Ints(1))),
        Malformed("torch._utils._rebuild_tensor_v2 without a storage and an offset", Call("torch._utils", "_rebuild_tensor_v2", Text("0"), Int(0), Ints(1), Ints(1))),
        Malformed("torch._utils._rebuild_tensor without a storage and an offset", Call("torch._utils", "_rebuild_tensor", Floats, Int(0), Ints(1))),
        Malformed("a tensor whose size has something else than an int from 0 on", Tensor(Floats, 0, [-1], [1])),
        Malformed("a tensor whose stride has something else than an int from 0 on", Tensor(Floats, 0, [1], [-1])),
        Malformed("a tensor whose size has something else than an int from 0 on", Call("torch._utils", "_rebuild_tensor_v2", Floats, Int(0), Tuple("\u0088"), Ints(1), "\u0089", Hooks)),
        Malformed("a tensor whose stride has something else than an int from 0 on", Call("torch._utils", "_rebuild_tensor_v2", Floats, Int(0), Ints(1), Tuple("L18446744073709551616L\n"), "\u0089", Hooks)),
        Malformed("a tensor whose size is no tuple of at most 64 ints", Call("torch._utils", "_rebuild_tensor_v2", Floats, Int(0), Int(1), Ints(1), "\u0089", Hooks)),
        Malformed("a tensor whose stride is no tuple of at most 64 ints", Call("torch._utils", "_rebuild_tensor_v2", Floats, Int(0), Ints(1), List(Int(1)), "\u0089", Hooks)),
        Malformed("a tensor whose size is no tuple of at most 64 ints", Tensor(Floats, 0, Ones(65), Ones(65))),
        Malformed("a tensor of 2 sizes and 1 strides", Tensor(Floats, 0, [1, 1], [1])),

        // Storages
        Malformed("a persistent id that is no ('storage', class, key, location, numel)", Tensor(Text("0") + "Q", 0, [1], [1])),
        Malformed("a persistent id that is no ('storage', class, key, location, numel)", Tensor(Tuple(Text("module"), "ctorch\nFloatStorage\n", Text("0"), Text("cpu"), Int(1)) + "Q", 0, [1], [1])),
        Malformed("a persistent id that is no ('storage', class, key, location, numel)", Tensor(Tuple(Text("storage"), "ctorch\nFloatStorage\n", Text("0"), Text("cpu")) + "Q", 0, [1], [1])),
        Malformed("a storage whose key is neither a string nor an int", Tensor(Storage("N", 1), 0, [1], [1])),
        Malformed("storage 0 without a number of elements", Tensor(Storage(Text("0"), -1), 0, [1], [1])),
        Malformed("storage missing is named, but its bytes are not in the file", Tensor(Storage(Text("missing"), 1), 0, [1], [1])),
        Malformed("storage 0 is said to have 101 elements of float32, the file has 400 bytes of it", Tensor(Storage(Text("0"), 101), 0, [1], [1])),
        Malformed("storage 0 is said to have 9223372036854775807 elements of float32, the file has 400 bytes of it", Tensor(Storage(Text("0"), long.MaxValue), 0, [1], [1])),
        Malformed("storage missing is named, but its bytes are not in the file", Call("m", "Unknown", Storage(Text("missing"), 1))),
        Unsupported("storage 0 has the class torch.StrangeStorage, which this tool does not know", Tensor(Storage(Text("0"), 1, "torch\nStrangeStorage"), 0, [1], [1])),
        Unsupported("storage 0 has the class numpy.FloatStorage, which this tool does not know", Tensor(Storage(Text("0"), 1, "numpy\nFloatStorage"), 0, [1], [1])),
        Unsupported("storage 0 has the class of no name, which this tool does not know", Tensor(Tuple(Text("storage"), "N", Text("0"), Text("cpu"), Int(1)) + "Q", 0, [1], [1])),

        // Dtypes
        Unsupported("a tensor of a dtype that this tool does not know", TensorV3(Storage(Text("0"), 24, "torch.storage\nUntypedStorage"), 0, [1], [1], "float1")),
        Unsupported("a tensor of a dtype that this tool does not know", Call("torch._utils", "_rebuild_tensor_v3", Arguments(Floats, 0, [1], [1]))),
    ];

    [Fact]
    public void Sixty_four_dimensions_are_the_most() =>
        Assert.Equal(64, Assert.Single(Read(Dict(("w", Tensor(Floats, 0, Ones(64), Ones(64))))).Tensors).Shape.Count);

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];

    private static (FailureKind Kind, string Problem, string Tensor) Malformed(string problem, string tensor) => (FailureKind.Malformed, problem, tensor);

    private static (FailureKind Kind, string Problem, string Tensor) Unsupported(string problem, string tensor) => (FailureKind.Unsupported, problem, tensor);
}
