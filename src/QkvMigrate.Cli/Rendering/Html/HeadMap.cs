using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Layouts;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>The norms of every head in every layer of a checkpoint, in the order of the file's rows.</summary>
/// <param name="Layout">The order of the file's rows.</param>
/// <param name="Geometry">The geometry.</param>
/// <param name="Layers">The layers that are shown.</param>
/// <param name="LayerCount">How many layers the file has.</param>
internal sealed record HeadMap(RowOrder Layout, AttentionGeometry Geometry, IReadOnlyList<LayerNorms> Layers, int LayerCount)
{
    /// <summary>Cells of a picture at most: a page of more is slow to open, and a screen has no room for them.</summary>
    private const int MaximumCells = 20_000;

    /// <summary>Heads of a layer at most: ten times as many as any model has.</summary>
    private const int MaximumBlocks = 4096;

    /// <summary>Measures the heads of a file, or gives null where it has more heads than can be shown, or no fused matrix of floats.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static HeadMap? Measure(string path, RowOrder layout, AttentionGeometry geometry, IWriteProgress? observer, CancellationToken cancellation)
    {
        var blocks = geometry.HeadCount + (2L * geometry.QueryGroupCount);
        if (blocks > MaximumBlocks)
        {
            return null;
        }

        using var checkpoint = Checkpoint.Open(path);
        var all = HeadNorms.Matrices(AttentionScan.Of(checkpoint), geometry);
        if (all.Count == 0)
        {
            return null;
        }

        var matrices = EvidenceSample.Evenly(all, MaximumCells / (int)blocks);

        using var progress = observer?.Begin(path, matrices.Sum(matrix => matrix.Extent));
        var layers = new List<LayerNorms>();
        foreach (var matrix in matrices)
        {
            cancellation.ThrowIfCancellationRequested();
            layers.Add(HeadNorms.Measure(checkpoint, matrix, geometry, cancellation));
            progress?.Advance(matrix.Extent);
        }

        return new HeadMap(layout, geometry, layers, all.Count);
    }

    /// <summary>The blocks of <paramref name="order"/>, each with its place among the blocks of <see cref="Layout"/>.</summary>
    public IReadOnlyList<(HeadBlock Block, int Place)> Columns(RowOrder order)
    {
        var places = Layout.Blocks(Geometry).Select((block, place) => (block, place)).ToDictionary(pair => pair.block, pair => pair.place);
        return [.. order.Blocks(Geometry).Select(block => (block, places[block]))];
    }
}
