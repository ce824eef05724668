using QkvMigrate.Checkpoints.JsonTexts;

namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>A tensor as the header describes it (safetensors/src/tensor.rs, <c>TensorInfo</c>): little-endian, row-major.</summary>
/// <param name="Key">Its name.</param>
/// <param name="DType">The name of its element type.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Begin">Its first byte, from the end of the header.</param>
/// <param name="End">The byte behind its last one, from the end of the header.</param>
internal sealed record SafetensorsTensor(JsonKey Key, string DType, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Bytes of the tensor.</summary>
    public long Length => End - Begin;
}
