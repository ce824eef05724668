namespace QkvMigrate.Checkpoints;

/// <summary>An element type of tensors under the names that each format gives it.</summary>
/// <param name="Name">PyTorch's name, as in <c>torch.float16</c>.</param>
/// <param name="ItemSize">Bytes of one element.</param>
/// <param name="StorageClass">
/// The class that a pickled storage names, as in <c>torch.HalfStorage</c> (torch/storage.py,
/// <c>_dtype_to_storage_type_map</c>), or null where there is none.
/// </param>
/// <param name="SafetensorsName">The name in a safetensors header (safetensors/src/tensor.rs, <c>Dtype</c>), or null where there is none.</param>
public sealed record DType(string Name, int ItemSize, string? StorageClass, string? SafetensorsName)
{
    /// <summary>Every element type that this tool knows, once.</summary>
    public static IReadOnlyList<DType> All { get; } =
    [
        new("float64", 8, "DoubleStorage", "F64"),
        new("float32", 4, "FloatStorage", "F32"),
        new("float16", 2, "HalfStorage", "F16"),
        new("bfloat16", 2, "BFloat16Storage", "BF16"),
        new("int64", 8, "LongStorage", "I64"),
        new("int32", 4, "IntStorage", "I32"),
        new("int16", 2, "ShortStorage", "I16"),
        new("int8", 1, "CharStorage", "I8"),
        new("uint8", 1, "ByteStorage", "U8"),
        new("bool", 1, "BoolStorage", "BOOL"),
        new("complex128", 16, "ComplexDoubleStorage", null),
        new("complex64", 8, "ComplexFloatStorage", "C64"),
        new("complex32", 4, null, null),
        new("quint8", 1, "QUInt8Storage", null),
        new("qint8", 1, "QInt8Storage", null),
        new("qint32", 4, "QInt32Storage", null),
        new("quint4x2", 1, "QUInt4x2Storage", null),
        new("quint2x4", 1, "QUInt2x4Storage", null),
        new("uint16", 2, null, "U16"),
        new("uint32", 4, null, "U32"),
        new("uint64", 8, null, "U64"),
        new("float8_e4m3fn", 1, null, "F8_E4M3"),
        new("float8_e5m2", 1, null, "F8_E5M2"),
        new("float8_e4m3fnuz", 1, null, "F8_E4M3FNUZ"),
        new("float8_e5m2fnuz", 1, null, "F8_E5M2FNUZ"),
        new("float8_e8m0fnu", 1, null, "F8_E8M0"),
    ];

    /// <summary>The bytes of an untyped storage, which <c>_rebuild_tensor_v3</c> pairs with a dtype of its own.</summary>
    public static DType UntypedBytes { get; } = new("bytes", 1, "UntypedStorage", null);

    /// <summary>Finds a dtype by PyTorch's name, or null.</summary>
    public static DType? ByName(string name) => Names.GetValueOrDefault(name);

    /// <summary>Finds a dtype by the name of its storage class, or null.</summary>
    public static DType? ByStorageClass(string name) =>
        name == UntypedBytes.StorageClass ? UntypedBytes : StorageClasses.GetValueOrDefault(name);

    /// <summary>Finds a dtype by its name in a safetensors header, or null.</summary>
    public static DType? BySafetensorsName(string name) => SafetensorsNames.GetValueOrDefault(name);

    private static Dictionary<string, DType> Names { get; } = All.ToDictionary(dtype => dtype.Name);

    private static Dictionary<string, DType> StorageClasses { get; } =
        All.Where(dtype => dtype.StorageClass is not null).ToDictionary(dtype => dtype.StorageClass!);

    private static Dictionary<string, DType> SafetensorsNames { get; } =
        All.Where(dtype => dtype.SafetensorsName is not null).ToDictionary(dtype => dtype.SafetensorsName!);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
