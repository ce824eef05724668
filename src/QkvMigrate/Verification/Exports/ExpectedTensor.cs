using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification.Exports;

/// <summary>A tensor that must be in an exported model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Parts">What stands in it, one behind the other.</param>
internal sealed record ExpectedTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<ExpectedRows> Parts);

/// <summary>Rows of one of LitGPT's tensors.</summary>
/// <param name="Source">The tensor.</param>
/// <param name="Rows">Which of them, and in which order.</param>
/// <param name="Layout">The layout of the tensor, where it is fused.</param>
/// <param name="Geometry">The geometry.</param>
internal sealed record ExpectedRows(TensorEntry Source, VerifiedRows Rows, VerifiedLayout Layout, AttentionGeometry Geometry)
{
    /// <summary>How many there are.</summary>
    public long Count => Rows switch
    {
        VerifiedRows.Query => Geometry.ProjectionColumns,
        VerifiedRows.Key or VerifiedRows.Value => (long)Geometry.QueryGroupCount * Geometry.HeadSize,
        _ => Source.Shape[0],
    };

    /// <summary>The runs of rows that stand together in both: the first row of the source, how many, and whose head they are.</summary>
    public IEnumerable<(long Source, long Count, FusedHead? Head)> Runs()
    {
        if (Rows == VerifiedRows.All)
        {
            yield return (0, Count, null);
            yield break;
        }

        for (var place = 0L; place < Count / Geometry.HeadSize; place++)
        {
            var head = Rows switch
            {
                VerifiedRows.Query => new FusedHead(QkvSection.Query, place),
                VerifiedRows.Key => new FusedHead(QkvSection.Key, place),
                VerifiedRows.Value => new FusedHead(QkvSection.Value, place),
                VerifiedRows.Interleaved => VerifiedLayouts.Interleaved.HeadAt(place, Geometry),
                _ => VerifiedLayouts.Sequential.HeadAt(place, Geometry),
            };
            yield return (Layout.PlaceOf(head, Geometry) * Geometry.HeadSize, Geometry.HeadSize, head);
        }
    }
}
