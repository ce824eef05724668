using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Configuration;

namespace QkvMigrate.Migration.Lora;

/// <summary>
/// Decides what becomes of the LoRA in a checkpoint. Since #900 LitGPT put each row of the delta to its interleaved place
/// by an index, so that new names are exact; but where q, k and v all had LoRA it returned early (litgpt/lora.py,
/// <c>zero_pad</c>), and before #900 it took sequential ranges: in both cases row i of the delta was added to row i of
/// the interleaved matrix, whatever head that row belonged to, and training adapted to it.
/// </summary>
/// <param name="Expansion">How the LoRA is expanded, or null where new names are exact.</param>
/// <param name="Matrices">The matrices that change, and what they become.</param>
internal sealed record LoraPlan(LoraExpansion? Expansion, IReadOnlyList<(TensorEntry Tensor, ExpandedMatrix Matrix)> Matrices)
{
    /// <summary>New names, and nothing else.</summary>
    public static LoraPlan RenameOnly { get; } = new(null, []);

    /// <summary>The storages that change.</summary>
    public IReadOnlyList<StorageReplacement> Replacements => [.. Matrices.Select(item => LoraExpander.Replacement(item.Tensor, item.Matrix))];

    /// <summary>What whoever uses the LoRA next must know.</summary>
    public IReadOnlyList<Advice> Advice => Expansion is null ? [] :
    [
        new("lora-settings-change", $"the LoRA is to be used with lora_r {Expansion.NewRank} instead of {Expansion.Rank}, {Expansion.Factor} times its lora_alpha, and lora_query, lora_key and lora_value true"),
    ];

    /// <summary>The moves of a checkpoint with those of the LoRA's matrices.</summary>
    public List<TensorMove> Complete(IReadOnlyList<TensorMove> moves)
    {
        var shapes = Matrices.ToDictionary(item => item.Tensor, item => item.Matrix.Shape);
        var moved = moves.Select(move => move.Tensor).ToHashSet();
        return
        [
            .. moves.Select(move => shapes.TryGetValue(move.Tensor, out var shape) ? move with { NewShape = shape } : move),
            .. shapes.Where(item => !moved.Contains(item.Key)).Select(item => new TensorMove(item.Key, null, null, []) { NewShape = item.Value }),
        ];
    }

    /// <summary>Decides.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="layout">The layout that was found in it.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="permutation">The source rows of a fused tensor in the order of the destination.</param>
    /// <param name="options">What the user says.</param>
    /// <exception cref="MigrationException">Shapes do not fit, renaming is not exact and nothing else was asked for, or what was cannot be done.</exception>
    public static LoraPlan Of(Checkpoint checkpoint, CheckpointLayout layout, AttentionGeometry geometry, RowPermutation permutation, LoraOptions options)
    {
        var layers = LoraLayer.Find(checkpoint, FusedNames.Module(layout));
        var fused = layers.Where(layer => layer.IsFused).ToList();
        foreach (var layer in fused)
        {
            _ = Candidates(layer, geometry);
        }

        if (fused.Count == 0 || permutation.IsIdentity || !(options.IsBefore900 || fused.Exists(layer => layer.SectionCount == LoraSections.All.Count)))
        {
            return RenameOnly;
        }

        if (options.Treatment != LoraTreatment.Expand)
        {
            throw Inexact(fused[0]);
        }

        if (!checkpoint.TakesReplacements)
        {
            throw new MigrationException(FailureKind.Unsupported, $"--lora expand: no LoRA of LitGPT is stored in a file of this format");
        }

        if (checkpoint.Optimizers.FirstOrDefault(optimizer => optimizer.Parameters.Any(parameter => parameter.State.Count > 0)) is { } optimizer)
        {
            throw new MigrationException(FailureKind.Unsupported, "--lora expand: the moments of a LoRA cannot follow it to a higher rank", where: $"optimizer state '{optimizer.Path}'");
        }

        var expansion = Expand(checkpoint, layers, fused, geometry);
        return new LoraPlan(expansion, [.. new LoraExpander(checkpoint, geometry, permutation, expansion).Matrices(layers)]);
    }

    private static LoraExpansion Expand(Checkpoint checkpoint, IReadOnlyList<LoraLayer> layers, List<LoraLayer> fused, AttentionGeometry geometry)
    {
        var first = fused[0];
        if (layers.FirstOrDefault(layer => layer.Rank != first.Rank || (layer.IsFused && (layer.SectionCount != first.SectionCount || layer.B.Shape[0] != first.B.Shape[0]))) is { } other)
        {
            throw new MigrationException(FailureKind.Unsupported, $"--lora expand: its lora_B has shape ({string.Join(", ", other.B.Shape)}), that of '{first.B.Label}' ({string.Join(", ", first.B.Shape)}); LitGPT has one rank and one choice of q, k and v for all layers", where: $"tensor '{other.A.Label}'");
        }

        var candidates = Candidates(first, geometry);
        if (candidates.Count > 1)
        {
            var said = LoraHyperparameters.Find(Path.GetDirectoryName(Path.GetFullPath(checkpoint.Source.Path))!);
            var settled = candidates.Where(candidate => said?.Agrees(candidate) == true).ToList();
            candidates = settled.Count == 1 ? settled : throw Ambiguous(first, candidates, said is not null);
        }

        return new LoraExpansion(first.Rank, candidates[0]);
    }

    private static IReadOnlyList<LoraSections> Candidates(LoraLayer layer, AttentionGeometry geometry)
    {
        var rows = LoraSections.Rows(geometry);
        return LoraSections.Fitting(geometry, layer.SectionCount, layer.B.Shape[0]) is { Count: > 0 } fitting
            ? fitting
            : throw new MigrationException(
                FailureKind.Geometry,
                $"it has {layer.B.Shape[0]} rows, which no {layer.SectionCount} of q ({rows[0]} rows), k ({rows[1]}) and v ({rows[2]}) have together, and lora_A's {layer.A.Shape[0]} rows are {layer.SectionCount} times the rank {layer.Rank}",
                where: $"tensor '{layer.B.Label}'");
    }

    private static MigrationException Ambiguous(LoraLayer layer, IReadOnlyList<LoraSections> candidates, bool hasFile) => new(
        FailureKind.Geometry,
        $"its shape fits {string.Join(" as well as ", candidates.Select(candidate => $"({candidate})"))}; lora_query, lora_key and lora_value in {(hasFile ? "the" : "a")} {LoraHyperparameters.FileName} beside the file settle it{(hasFile ? ", and do not say one of these" : "")}",
        where: $"tensor '{layer.B.Label}'");

    private static MigrationException Inexact(LoraLayer layer) => new(
        FailureKind.Unsupported,
        $"{(layer.SectionCount == LoraSections.All.Count ? "q, k and v all have LoRA" : "this LoRA is from before #900")}, and LitGPT then added row i of its delta to row i of the interleaved matrix: a new name alone would move it to other heads; --lora expand keeps it exactly, at rank {layer.A.Shape[0]} instead of {layer.Rank}",
        where: $"tensor '{layer.B.Label}'");
}
