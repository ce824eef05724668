using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>A tensor whose rows must stand in the other order.</summary>
/// <param name="Tensor">The tensor of the first file; the second file's has the same shape, strides and place in its storage.</param>
/// <param name="Dimension">The dimension along which the rows stand.</param>
/// <param name="HeadRows">Indices of that dimension that one head takes.</param>
/// <param name="Geometry">The geometry.</param>
/// <param name="Change">What was made of the first file.</param>
internal sealed record MovedView(TensorEntry Tensor, int Dimension, int HeadRows, AttentionGeometry Geometry, VerifiedChange Change)
{
    /// <summary>The one place where there are no dimensions to walk along, as within the rows of nearly every tensor.</summary>
    private static readonly long[] Start = [0];

    /// <summary>The origin of an index along <see cref="Dimension"/>.</summary>
    public RowOrigin Origin(long row) => RowOrigin.Of(row, Geometry, HeadRows, Change);

    /// <summary>
    /// The runs of bytes that move together, in the order of the second file: the rows of a head where they lie one behind
    /// the other, otherwise the pieces of each row.
    /// </summary>
    public IEnumerable<MovedRun> Runs() => Runs(isSample: false);

    /// <summary>The first and last row of each head, at the first and last index of the dimensions that they do not lie together in.</summary>
    public IEnumerable<MovedRun> SampledRuns() => Runs(isSample: true);

    private IEnumerable<MovedRun> Runs(bool isSample)
    {
        var stride = Tensor.Strides[Dimension];
        if (Tensor.ElementCount == 0 || stride == 0)
        {
            yield break;
        }

        var others = OtherDimensions();
        var inner = others.FindAll(other => other.Stride < stride);
        var outer = others.FindAll(other => other.Stride >= stride);
        var piece = 1L;
        while (inner.Count > 0 && inner[0].Stride == piece)
        {
            piece *= inner[0].Size;
            inner.RemoveAt(0);
        }

        var isDense = piece == stride && inner.Count == 0;
        var step = isDense && !isSample ? HeadRows : 1;
        foreach (var block in Offsets(outer, isSample))
        {
            foreach (var row in Rows(isSample, step))
            {
                var source = Origin(row).Source;
                foreach (var at in Offsets(inner, isSample))
                {
                    yield return Run(block + (row * stride) + at, block + (source * stride) + at, step * piece);
                }
            }
        }
    }

    /// <summary>The dimensions beside that of the rows that have several indices, in the order of their strides.</summary>
    private List<(long Size, long Stride)> OtherDimensions()
    {
        var others = new List<(long Size, long Stride)>(Tensor.Shape.Count);
        for (var i = 0; i < Tensor.Shape.Count; i++)
        {
            if (i != Dimension && Tensor.Shape[i] > 1 && Tensor.Strides[i] is > 0 and var stride)
            {
                others.Insert(others.Count(other => other.Stride <= stride), (Tensor.Shape[i], stride));
            }
        }

        return others;
    }

    /// <summary>The rows at which runs start, each <paramref name="step"/> behind the last; or the first and the last row of each head.</summary>
    private IEnumerable<long> Rows(bool isSample, int step)
    {
        var count = Tensor.Shape[Dimension];
        for (var row = 0L; row < count; row += isSample ? HeadRows : step)
        {
            yield return row;
            if (isSample && HeadRows > 1 && row + HeadRows <= count)
            {
                yield return row + HeadRows - 1;
            }
        }
    }

    private MovedRun Run(long target, long source, long length)
    {
        var size = Tensor.DType.ItemSize;
        var start = Tensor.StorageOffset;
        return new MovedRun((start + target) * size, (start + source) * size, length * size);
    }

    /// <summary>The places of all indices of some dimensions, in elements, ascending; or of the first and last index alone.</summary>
    private static IEnumerable<long> Offsets(List<(long Size, long Stride)> dimensions, bool isSample) =>
        dimensions.Count == 0 ? Start : Walk(dimensions, isSample);

    private static IEnumerable<long> Walk(List<(long Size, long Stride)> dimensions, bool isSample)
    {
        var counts = dimensions.ConvertAll(dimension => isSample ? Math.Min(dimension.Size, 2) : dimension.Size);
        var total = counts.Aggregate(1L, (product, count) => product * count);
        for (var n = 0L; n < total; n++)
        {
            var rest = n;
            var offset = 0L;
            for (var i = 0; i < dimensions.Count; i++)
            {
                var index = rest % counts[i];
                offset += (isSample ? index * (dimensions[i].Size - 1) : index) * dimensions[i].Stride;
                rest /= counts[i];
            }

            yield return offset;
        }
    }
}
