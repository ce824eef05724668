using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Exporting.Adapters;

/// <summary>Computed elements in another element type.</summary>
/// <param name="inner">The elements; each piece of them is a whole number of elements.</param>
/// <param name="from">Their type.</param>
/// <param name="to">The type that they get.</param>
internal sealed class ConvertedBytes(ComputedBytes inner, DType from, DType to) : ComputedBytes
{
    /// <inheritdoc/>
    public override long Length => inner.Length / from.ItemSize * to.ItemSize;

    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => inner.Sources;

    /// <inheritdoc/>
    public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
    {
        var conversion = new FloatConversion(from, to);
        inner.Compute(
            piece =>
            {
                var converted = new byte[piece.Length / from.ItemSize * to.ItemSize];
                conversion.Convert(piece, converted);
                emit(converted);
            },
            cancellation);
    }
}
