using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Layouts;

namespace QkvMigrate.Evidence;

/// <summary>One order of rows and how well the weights agree with it.</summary>
/// <param name="Layout">Interleaved or sequential.</param>
/// <param name="Geometry">The geometry; null for the sequential layout, which looks the same for every head size.</param>
/// <param name="Explained">The mean over the layers of the share of the variance of the log row norms that the classes q, k and v explain, 0 to 1.</param>
public sealed record EvidenceScore(RowOrder Layout, AttentionGeometry? Geometry, double Explained)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Layout.Name}{(Geometry is { } geometry ? $" {geometry}" : "")}: {Explained:0.000}";
}

/// <summary>
/// The weights' own testimony about where q, k and v stand. Shapes cannot tell one geometry from another with the same
/// rows, but in trained models the norms of the rows of q, k and v differ by class, so that the true order explains more
/// of their variance than a false one. Evidence only: nothing is ever decided by it.
/// </summary>
public sealed class GeometryEvidence
{
    /// <summary>The chance, at most, that weights without any order have a winner.</summary>
    private const double Significance = 1e-6;

    /// <summary>The next best order explains at most this part of what a winner explains.</summary>
    private const double Margin = 2.0 / 3;

    private readonly IReadOnlyList<OrderCandidate> orders;

    private GeometryEvidence(IReadOnlyList<OrderCandidate> orders, IReadOnlyList<EvidenceScore> ranking, int layers, int rows, string basis)
    {
        this.orders = orders;
        Ranking = ranking;
        LayerCount = layers;
        RowCount = rows;
        Basis = basis;
    }

    /// <summary>Every order that the shapes allow, the best first.</summary>
    public IReadOnlyList<EvidenceScore> Ranking { get; }

    /// <summary>How many fused matrices were read.</summary>
    public int LayerCount { get; }

    /// <summary>Rows of each that were read.</summary>
    public int RowCount { get; }

    /// <summary>What was read, in words.</summary>
    public string Basis { get; }

    /// <summary>
    /// The order that wins, or null. A winner explains at least half as much again as the next, and so much in all that
    /// weights without any order would do so less often than once in a million times, whichever order they favour.
    /// </summary>
    public EvidenceScore? Winner =>
        Ranking is [var best, ..]
        && (Ranking.Count == 1 || Ranking[1].Explained <= best.Explained * Margin)
        && ChanceOfAtLeast(best.Explained) * Ranking.Count < Significance
            ? best
            : null;

    /// <summary>The score of a layout of a geometry, or null where it is not among the candidates.</summary>
    public EvidenceScore? ScoreOf(RowOrder layout, AttentionGeometry geometry)
    {
        for (var i = 0; i < orders.Count; i++)
        {
            if (orders[i].Is(layout, geometry))
            {
                return Ranking[i];
            }
        }

        return null;
    }

    /// <summary>What speaks against a layout of a geometry, or null: another order wins.</summary>
    public string? Against(RowOrder layout, AttentionGeometry geometry)
    {
        if (Winner is not { } winner || ScoreOf(layout, geometry) is not { } score || winner == score)
        {
            return null;
        }

        var numbers = $"the classes q, k and v explain {winner.Explained:0.000} of the variance of the row norms as {Name(winner)}, "
            + $"and {score.Explained:0.000} as {layout.Name} with {geometry} ({Basis})";
        return layout != RowOrder.Sequential && winner.Geometry is null
            ? $"the rows look sequential already, in spite of their name: {numbers}"
            : $"the weights speak for another geometry: {numbers}";
    }

    /// <summary>Reads rows of the fused weights and ranks the orders; null where there are no such weights, or nothing says how wide q is.</summary>
    /// <param name="scan">The file's fused attention.</param>
    /// <param name="sample">How much is read.</param>
    /// <param name="inUse">The geometry that is to be among the candidates, or null.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The reading was cancelled.</exception>
    public static GeometryEvidence? Measure(
        AttentionScan scan,
        EvidenceSample sample,
        AttentionGeometry? inUse = null,
        CancellationToken cancellation = default)
    {
        var fused = scan.Fused.Where(RowNorms.IsFusedMatrix).ToList();
        if (fused.Count == 0 || (inUse?.ProjectionColumns ?? ProjectionColumns(fused)) is not { } columns)
        {
            return null;
        }

        var rows = fused[0].Tensor.Shape[0];
        var tensors = fused.Select(item => item.Tensor).Where(tensor => tensor.Shape[0] == rows).ToList();
        var candidates = columns < rows ? OrderCandidate.Candidates((int)rows, (int)columns, inUse) : [];
        return candidates.Count == 0 ? null : Rank(scan.Checkpoint.Source, tensors, candidates, sample, cancellation);
    }

    /// <summary>How wide q is, by the first output projection that is a matrix; null where there is none.</summary>
    private static long? ProjectionColumns(IEnumerable<FusedTensor> fused) =>
        fused.Select(item => item.Projection is { Shape: [_, var width] } ? width : (long?)null).FirstOrDefault(width => width is not null);

    private static GeometryEvidence Rank(
        SourceFile source,
        List<TensorEntry> tensors,
        IReadOnlyList<OrderCandidate> candidates,
        EvidenceSample sample,
        CancellationToken cancellation)
    {
        var layers = EvidenceSample.Evenly(tensors, sample.Layers);
        var sums = new double[candidates.Count];
        foreach (var layer in layers)
        {
            var norms = RowNorms.Read(source, layer, sample, cancellation);
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += candidates[i].Explained(norms);
            }
        }

        var ranked = candidates.Zip(sums).OrderByDescending(pair => pair.Second).ToList();
        var (rows, columns) = ((int)tensors[0].Shape[0], tensors[0].Shape[1]);
        var step = sample.Step(rows);
        var read = (rows + step - 1) / step;
        var partOfRows = read < rows ? $", {read} of {rows} rows" : "";
        var partOfColumns = sample.Columns < columns ? $", {sample.Columns} of {columns} columns" : "";
        return new GeometryEvidence(
            ranked.ConvertAll(pair => pair.First),
            ranked.ConvertAll(pair => new EvidenceScore(pair.First.Layout, pair.First.Geometry, pair.Second / layers.Count)),
            layers.Count,
            read,
            $"{Part(layers.Count, tensors.Count)} layers{partOfRows}{partOfColumns}");

        static string Part(int part, int whole) => part < whole ? $"{part} of {whole}" : $"{whole}";
    }

    /// <summary>
    /// The chance that one order explains as much of norms that have no order. (rows − 1) times the explained share is then
    /// distributed as chi squared of two degrees of freedom (three classes), and the sum over the layers as one of twice as
    /// many degrees as layers, whose tail has a closed form: that of a Poisson distribution.
    /// </summary>
    private double ChanceOfAtLeast(double explained)
    {
        var half = explained * (RowCount - 1) * LayerCount / 2;
        var logarithm = -half;
        var tail = 0.0;
        for (var k = 0; k < LayerCount; k++)
        {
            tail += Math.Exp(logarithm);
            logarithm += Math.Log(half) - Math.Log(k + 1);
        }

        return tail;
    }

    private static string Name(EvidenceScore score) => score.Geometry is { } geometry ? $"{score.Layout.Name} with {geometry}" : score.Layout.Name;
}
