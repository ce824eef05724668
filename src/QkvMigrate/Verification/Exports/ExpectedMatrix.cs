using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification.Exports;

/// <summary>A matrix of an adapter: where each element must come from.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Target">The last step of its module.</param>
/// <param name="Source">LitGPT's matrix.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Origin">The row and column of LitGPT's matrix for a row and column here; null for a zero.</param>
internal sealed record ExpectedMatrix(
    string Name,
    string Target,
    TensorEntry Source,
    long Rows,
    long Columns,
    Func<long, long, (long Row, long Column)?> Origin)
{
    /// <summary>Bytes of the largest matrix that is read: a LoRA's are much smaller.</summary>
    private const long MaximumBytes = 1 << 28;

    /// <summary>Compares it with one that was found.</summary>
    /// <exception cref="MigrationException">LitGPT's is too large for a LoRA.</exception>
    public void Compare(TensorEntry found, DifferenceLog log)
    {
        var place = $"tensor '{Name}'";
        if (!found.Shape.SequenceEqual([Rows, Columns]))
        {
            log.Add(place, $"it has shape ({string.Join(", ", found.Shape)}), expected ({Rows}, {Columns})");
            return;
        }

        if (found.DType != Source.DType && found.DType.Name is not ("float32" or "float16" or "bfloat16"))
        {
            log.Add(place, $"its elements are {found.DType}, expected {Source.DType}");
            return;
        }

        if (Source.Extent > MaximumBytes || found.Extent > MaximumBytes)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{Source.Extent} bytes are more than a LoRA has",
                Source.Storage.Source.Path,
                $"tensor '{Source.Label}'");
        }

        CompareElements(found, place, log);
    }

    private void CompareElements(TensorEntry found, string place, DifferenceLog log)
    {
        var stored = Source.Storage.Source.Read(Source.FileOffset, (int)Source.Extent);
        var made = found.Storage.Source.Read(found.FileOffset, (int)found.Extent);
        var (from, to) = (Source.DType.ItemSize, found.DType.ItemSize);
        var zero = new byte[from];
        var rounded = Source.DType == found.DType ? null : new RoundedFloats(Source.DType.Name, found.DType.Name);
        for (var row = 0L; row < Rows; row++)
        {
            for (var column = 0L; column < Columns; column++)
            {
                var at = (int)(((row * Columns) + column) * to);
                var origin = Origin(row, column);
                var before = origin is var (row0, column0)
                    ? stored.AsSpan((int)(((row0 * Source.Strides[0]) + (column0 * Source.Strides[1])) * from), from)
                    : zero;
                var after = made.AsSpan(at, to);
                if (rounded is null ? before.SequenceEqual(after) : rounded.AreSame(before, after))
                {
                    continue;
                }

                var what = origin is { } element ? $"row {element.Row}, column {element.Column} of '{Source.Label}'" : "zero";
                log.Add(new Difference(place, $"column {column} is not {what}") { Row = row, Offset = found.FileOffset + at });
                return;
            }
        }
    }
}
