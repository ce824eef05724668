using System.Text;
using QkvMigrate.Testing.Pickles;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Running.Values;

/// <summary>Values of every kind that can stand under a tensor's name, as their libraries pickle them.</summary>
internal static class Leaves
{
    public const int Rows = 16;
    public const int Columns = 8;

    private const string TorchFloat = "ctorch\nfloat32\n";

    public static Leaf Strided { get; } = new("tensor", Likeness.Movable, StridedCode);

    public static Leaf Parameter { get; } = new("parameter", Likeness.Movable, storages => TorchCodeParameter(StridedCode(storages)));

    /// <summary>What FSDP of PyTorch 2 leaves on every tensor of a full state dict.</summary>
    public static Leaf Cloned { get; } = new("cloned tensor", Likeness.Movable, storages =>
        FromType("ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nTensor\n", Tuple(StridedArguments(storages)), Dict(("_has_been_cloned", "\u0088"))));

    public static Leaf None { get; } = new("None", Likeness.None, _ => "N");

    public static Leaf Number { get; } = new("number", Likeness.None, _ => Int(12));

    public static Leaf Word { get; } = new("string", Likeness.None, _ => Text("transformer.h.0.attn.attn.weight"));

    public static Leaf Size { get; } = new("size", Likeness.None, _ => Call("torch", "Size", Ints(Rows, Columns)));

    public static Leaf Scalar { get; } = new("numpy number", Likeness.None, _ => Call("numpy.core.multiarray", "scalar", Call("numpy", "dtype", Text("f4"), "\u0089", "\u0088"), Text("data")));

    public static Leaf Meta { get; } = new("meta", Likeness.Unreadable, _ => Call("torch._utils", "_rebuild_meta_tensor_no_storage", TorchFloat, Ints(Rows, Columns), Ints(Columns, 1), "\u0089"));

    public static Leaf Xla { get; } = new("XLA", Likeness.Unreadable, _ => Call("torch._utils", "_rebuild_xla_tensor", ArrayCode, "ctorch\nbfloat16\n", Text("xla:1"), "\u0089"));

    public static Leaf Device { get; } = new("device", Likeness.Unreadable, _ => Call("torch._utils", "_rebuild_device_tensor_from_numpy", ArrayCode, TorchFloat, Text("xla:0"), "\u0089"));

    public static Leaf Sharded { get; } = new("ShardedTensor", Likeness.Unreadable, storages =>
    {
        var shard = New("torch.distributed._shard.sharded_tensor.shard", "Shard", Dict(("tensor", StridedCode(storages))));
        var metadata = New("torch.distributed._shard.sharded_tensor.metadata", "ShardedTensorMetadata", Dict(("shards_metadata", "]"), ("size", Call("torch", "Size", Ints(2 * Rows, Columns)))));
        return New("torch.distributed._shard.sharded_tensor.api", "ShardedTensor", Tuple(List(shard), metadata, "N"));
    });

    public static Leaf Distributed { get; } = new("DTensor", Likeness.Unreadable, storages => FromType(
        "ctorch._utils\n_rebuild_wrapper_subclass\n",
        "ctorch.distributed.tensor\nDTensor\n",
        Tuple("ctorch.distributed.tensor\nDTensor\n", TorchFloat, Call("torch", "Size", Ints(4 * Rows, Columns)), Ints(Columns, 1), Int(0)),
        Dict(("_local_tensor", StridedCode(storages)))));

    public static Leaf Quantized { get; } = new("torchao", Likeness.Unreadable, storages => FromType(
        "ctorch._utils\n_rebuild_wrapper_subclass\n",
        "ctorchao.dtypes.affine_quantized_tensor\nAffineQuantizedTensor\n",
        Tuple("ctorchao.dtypes.affine_quantized_tensor\nAffineQuantizedTensor\n", TorchFloat, Ints(Rows, Columns)),
        Dict(("int_data", StridedCode(storages)))));

    /// <summary>A subclass that keeps its numbers in a strided storage, whatever they mean there.</summary>
    public static Leaf Subclass { get; } = new("subclass", Likeness.Unreadable, storages =>
        FromType("ctorch._utils\n_rebuild_tensor_v2\n", "cbitsandbytes.nn.modules\nParams4bit\n", Tuple(StridedArguments(storages)), "}"));

    /// <summary>A parameter with a tensor on it, as bitsandbytes keeps scales.</summary>
    public static Leaf Scaled { get; } = new("attribute", Likeness.Unreadable, storages =>
        Call("torch._utils", "_rebuild_parameter_with_state", StridedCode(storages), "\u0088", "N", Dict(("SCB", StridedCode(storages)))));

    public static Leaf Sparse { get; } = new("sparse", Likeness.Unreadable, storages =>
        Call("torch._utils", "_rebuild_sparse_tensor", Call("torch.serialization", "_get_layout", Text("torch.sparse_coo")), Tuple(StridedCode(storages), StridedCode(storages), Ints(Rows, Columns))));

    public static Leaf Array { get; } = new("numpy array", Likeness.Unreadable, _ => ArrayCode);

    public static Leaf Matrix { get; } = new("lists of floats", Likeness.Unreadable, _ => List(Enumerable.Repeat(List(Enumerable.Repeat(Float(0.5), Columns)), Rows)));

    public static Leaf Reference { get; } = new("TensorReference", Likeness.Unreadable, _ => New("torch_xla.utils.serialization", "TensorReference", Dict(("tid", Int(3)))));

    public static Leaf Module { get; } = new("module", Likeness.Unreadable, storages =>
        New("torch.nn.modules.linear", "Linear", Dict(("training", "\u0088"), ("_parameters", Dict(("weight", TorchCodeParameter(StridedCode(storages))))), ("_buffers", "}"), ("_modules", "}"))));

    public static IReadOnlyList<Leaf> Movable { get; } = [Strided, Parameter, Cloned];

    public static IReadOnlyList<Leaf> Data { get; } = [None, Number, Word, Size, Scalar];

    public static IReadOnlyList<Leaf> Unreadable { get; } =
        [Meta, Xla, Device, Sharded, Distributed, Quantized, Subclass, Scaled, Sparse, Array, Matrix, Reference, Module];

    /// <summary>A numpy array of 16 times 8 floats; what its bytes are is nothing to us.</summary>
    private static string ArrayCode =>
        Call("numpy.core.multiarray", "_reconstruct", "cnumpy\nndarray\n", Ints(0), Text("b"))
        + Tuple(Int(1), Ints(Rows, Columns), Call("numpy", "dtype", Text("f4"), "\u0089", "\u0088"), "\u0089", Text("data")) + "b";

    private static string StridedCode(Counter storages) => Call("torch._utils", "_rebuild_tensor_v2", StridedArguments(storages));

    private static string[] StridedArguments(Counter storages) => Arguments(Storage(Text($"{storages.Next()}"), Rows * Columns), 0, [Rows, Columns], [Columns, 1]);

    private static string TorchCodeParameter(string tensor) => TorchCode.Parameter(tensor);

    private static string FromType(string function, string type, string arguments, string state) => Call("torch._tensor", "_rebuild_from_type_v2", function, type, arguments, state);

    private static string New(string module, string name, string state) => $"c{module}\n{name}\n)\u0081{state}b";

    private static string Float(double value) => "G" + Encoding.Latin1.GetString([.. BitConverter.GetBytes(value).Reverse()]);
}
