using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;

namespace QkvMigrate.Planning.Lora;

/// <summary>What all LoRA layers of a checkpoint have in common: LitGPT has one rank and one choice of q, k and v.</summary>
/// <param name="Rank">LitGPT's <c>lora_r</c>.</param>
/// <param name="Sections">Which of q, k and v have LoRA; null where the fused attention has none.</param>
internal sealed record LoraShape(long Rank, LoraSections? Sections)
{
    /// <summary>Which of q, k and v have LoRA in the fused attention.</summary>
    /// <exception cref="InvalidOperationException">The fused attention has none.</exception>
    public LoraSections FusedSections => Sections ?? throw new InvalidOperationException("the fused attention has no LoRA");

    /// <summary>Finds them by the shapes, and by <c>hyperparameters.yaml</c> beside the file where these leave a choice.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="layers">Its LoRA layers, at least one.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="option">The option of the command line that asks, as errors name it.</param>
    /// <exception cref="MigrationException">The layers differ, or their shapes fit no choice of q, k and v, or several.</exception>
    public static LoraShape Of(Checkpoint checkpoint, IReadOnlyList<LoraLayer> layers, AttentionGeometry geometry, string option)
    {
        var first = layers.FirstOrDefault(layer => layer.IsFused) ?? layers[0];
        if (layers.FirstOrDefault(layer => !AreAlike(layer, first)) is { } other)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{option}: its lora_B has shape ({string.Join(", ", other.B.Shape)}), that of '{first.B.Label}' ({string.Join(", ", first.B.Shape)}); "
                + "LitGPT has one rank and one choice of q, k and v for all layers",
                where: $"tensor '{other.A.Label}'");
        }

        return new LoraShape(first.Rank, first.IsFused ? Choose(checkpoint, first, Candidates(first, geometry)) : null);
    }

    /// <summary>Whether a layer has the rank of another, and where it is the fused attention's, as many sections and rows.</summary>
    private static bool AreAlike(LoraLayer layer, LoraLayer first) =>
        layer.Rank == first.Rank
        && (!layer.IsFused || (layer.SectionCount == first.SectionCount && layer.B.Shape[0] == first.B.Shape[0]));

    /// <summary>The choices of q, k and v that fit the shapes of <paramref name="layer"/>, the fused attention's; at least one.</summary>
    /// <exception cref="MigrationException">None does.</exception>
    public static IReadOnlyList<LoraSections> Candidates(LoraLayer layer, AttentionGeometry geometry)
    {
        var rows = LoraSections.Rows(geometry);
        return LoraSections.Fitting(geometry, layer.SectionCount, layer.B.Shape[0]) is { Count: > 0 } fitting
            ? fitting
            : throw new MigrationException(
                FailureKind.Geometry,
                $"it has {layer.B.Shape[0]} rows, which no {layer.SectionCount} of q ({rows[0]} rows), k ({rows[1]}) and v ({rows[2]}) have together, "
                + $"and lora_A's {layer.A.Shape[0]} rows are {layer.SectionCount} times the rank {layer.Rank}",
                where: $"tensor '{layer.B.Label}'");
    }

    private static LoraSections Choose(Checkpoint checkpoint, LoraLayer layer, IReadOnlyList<LoraSections> candidates)
    {
        if (candidates.Count == 1)
        {
            return candidates[0];
        }

        var said = LoraHyperparameters.FindBeside(checkpoint.Source.Path);
        var settled = candidates.Where(candidate => said?.Agrees(candidate) == true).ToList();
        return settled.Count == 1 ? settled[0] : throw Ambiguous(layer, candidates, said is not null);
    }

    private static MigrationException Ambiguous(LoraLayer layer, IReadOnlyList<LoraSections> candidates, bool hasFile) => new(
        FailureKind.Geometry,
        $"its shape fits {string.Join(" as well as ", candidates.Select(candidate => $"({candidate})"))}; "
        + $"lora_query, lora_key and lora_value in {(hasFile ? "the" : "a")} {LoraHyperparameters.FileName} beside the file settle it"
        + (hasFile ? ", and do not say one of these" : ""),
        where: $"tensor '{layer.B.Label}'");
}
