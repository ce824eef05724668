using QkvMigrate.Checkpoints;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Checkpoints.TorchPickles.TorchPickleTests;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>How tensors are described: dtype, shape, strides, and the bytes of a storage.</summary>
public sealed class TorchTensorTests
{
    private static readonly string Matrix = Tensor(Storage(Text("0"), 12), 0, [3, 4], [4, 1]);

    [Fact]
    public void A_tensor_is_described_in_full()
    {
        var pickle = Read(Dict(("w", Tensor(Storage(Text("7"), 100), 5, [2, 3, 4], [1, 20, 2]))));
        var tensor = Assert.Single(pickle.Tensors);
        Assert.Equal("w", tensor.Label);
        Assert.Equal(("w", NameRole.TensorKey), (tensor.Name!.Text, tensor.Name.Role));
        Assert.Equal("", tensor.Container.Path);
        Assert.Empty(tensor.Container.ModulePaths);
        Assert.Equal("float32", tensor.DType.Name);
        Assert.Equal([2L, 3, 4], tensor.Shape);
        Assert.Equal([1L, 20, 2], tensor.Strides);
        Assert.Equal(("7", 7000L, 400L), (tensor.Storage.Key, tensor.Storage.Offset, tensor.Storage.Length));
        Assert.Equal(5, tensor.StorageOffset);
        Assert.Equal(24, tensor.ElementCount);
        Assert.Equal(7020, tensor.FileOffset);

        // The last element stands 1·1 + 2·20 + 3·2 elements behind the first.
        Assert.Equal(48 * 4, tensor.Extent);
        Assert.Empty(pickle.OpaqueStorages);
        Assert.Equal([tensor.Storage], pickle.Storages);
    }

    [Fact]
    public void Dimensions_that_are_shared_cost_memory_all_the_same()
    {
        static string Tensors(int rank) => $"ctorch._utils\n_rebuild_tensor_v2\nq\u00010{Storage(Text("0"), 12)}q\u00000{Ints(Enumerable.Repeat(1L, rank))}q\u00020"
            + $"({string.Concat(Enumerable.Repeat("h\u0001(h\u0000K\u0000h\u0002h\u0002\u0089}tR", 40_000))}l";
        Assert.Equal(40_000, Read(Tensors(1)).Tensors.Count);
        Assert.Contains("of values, as no checkpoint's do", Assert.Throws<MigrationException>(() => Read(Tensors(64))).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_storages_may_be_ints()
    {
        // lit-gpt's incremental_save.
        var pickle = Read(Dict(("a", Tensor(Storage(Int(0), 1), 0, [1], [1])), ("b", Tensor(Storage(Int(3_000_000_000), 1), 0, [1], [1]))));
        Assert.Equal(["0", "3000000000"], pickle.Tensors.Select(tensor => tensor.Storage.Key));
    }

    [Fact]
    public void Parameters_and_subclasses_are_tensors()
    {
        var arguments = Tuple(Arguments(Storage(Text("0"), 12), 1, [3], [2]));
        var pickle = Read(Dict(
            ("parameter", Parameter(Matrix)),
            ("with state", Call("torch._utils", "_rebuild_parameter_with_state", Matrix, "\u0088", "N", "N")),
            ("subclass", Call("torch._tensor", "_rebuild_from_type_v2", "ctorch._utils\n_rebuild_tensor_v2\n", "cm\nThing\n", arguments, "}")),
            ("parameter of a subclass", Parameter(Call("torch._tensor", "_rebuild_from_type_v2", "ctorch._utils\n_rebuild_tensor_v2\n", "cm\nThing\n", arguments, "}"))),
            ("old", Call("torch._utils", "_rebuild_tensor", Storage(Text("0"), 12), Int(1), Ints(3), Ints(2))),
            ("sized", Call("torch._utils", "_rebuild_tensor_v2", Storage(Text("0"), 12), Int(1), Call("torch", "Size", Ints(3)), Ints(2)))));
        Assert.Equal(["parameter", "with state", "subclass", "parameter of a subclass", "old", "sized"], pickle.Tensors.Select(tensor => tensor.Label));
        Assert.All(pickle.Tensors.Take(2), tensor => Assert.Equal([3L, 4], tensor.Shape), throwIfEmpty: true);
        Assert.All(pickle.Tensors.Skip(2), tensor => Assert.Equal([3L], tensor.Shape), throwIfEmpty: true);
        Assert.All(pickle.Tensors.Skip(2), tensor => Assert.Equal((1L, 2L), (tensor.StorageOffset, Assert.Single(tensor.Strides))), throwIfEmpty: true);
        Assert.Empty(pickle.OpaqueStorages);
    }

    [Theory]
    [InlineData("torch\nHalfStorage", "float16", 2)]
    [InlineData("torch\nBFloat16Storage", "bfloat16", 2)]
    [InlineData("torch\nLongStorage", "int64", 8)]
    [InlineData("torch\nComplexDoubleStorage", "complex128", 16)]
    [InlineData("torch\nBoolStorage", "bool", 1)]
    public void The_class_of_the_storage_gives_the_dtype(string type, string dtype, int itemSize)
    {
        var tensor = Assert.Single(Read(Dict(("w", Tensor(Storage(Text("0"), 12, type), 2, [3], [1])))).Tensors);
        Assert.Equal(dtype, tensor.DType.Name);
        Assert.Equal(2 * itemSize, tensor.FileOffset);
        Assert.Equal(3 * itemSize, tensor.Extent);
    }

    [Theory]
    [InlineData("torch.storage\nUntypedStorage")]
    [InlineData("torch.storage\n_UntypedStorage")]
    public void A_dtype_without_a_storage_class_is_named_by_the_tensor(string type)
    {
        // The untyped storage counts bytes, the tensor elements.
        var tensor = Assert.Single(Read(Dict(("w", TensorV3(Storage(Text("0"), 24, type), 2, [10], [1], "uint16")))).Tensors);
        Assert.Equal("uint16", tensor.DType.Name);
        Assert.Equal(4, tensor.FileOffset);
        Assert.Equal(20, tensor.Extent);
    }

    [Fact]
    public void Tensors_without_elements_take_nothing()
    {
        var tensor = Assert.Single(Read(Dict(("w", Tensor(Storage(Text("0"), 0), 0, [0, 768], [768, 1])))).Tensors);
        Assert.Equal((0L, 0L), (tensor.ElementCount, tensor.Extent));
        var wild = Assert.Single(Read(Dict(("w", Tensor(Storage(Text("0"), 0), 0, [0, 0, 2], [long.MaxValue, long.MaxValue, long.MaxValue])))).Tensors);
        Assert.Equal((0L, 0L), (wild.ElementCount, wild.Extent));
        var scalar = Assert.Single(Read(Dict(("w", Tensor(Storage(Text("0"), 1), 0, [], [])))).Tensors);
        Assert.Equal((1L, 4L), (scalar.ElementCount, scalar.Extent));
    }

    [Fact]
    public void A_tensor_may_fill_its_storage_to_the_last_element()
    {
        var tensor = Assert.Single(Read(Dict(("w", Tensor(Storage(Text("0"), 100), 0, [3, 4], [30, 13])))).Tensors);
        Assert.Equal(400, tensor.Extent);
    }
}
