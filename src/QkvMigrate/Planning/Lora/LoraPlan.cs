using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Configuration;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Lora;

/// <summary>
/// What becomes of the LoRA in a checkpoint. Since #900 LitGPT put each row of the delta to its interleaved place by an
/// index, so that new names are exact; but where q, k and v all had LoRA it returned early (litgpt/lora.py,
/// <c>zero_pad</c>), and before #900 it took sequential ranges: in both cases row i of the delta was added to row i of
/// the interleaved matrix, whatever head that row belonged to, and training adapted to it.
/// </summary>
/// <param name="Tensors">The matrices that get other elements.</param>
/// <param name="Advice">What whoever uses the result next must know.</param>
internal sealed record LoraPlan(IReadOnlyList<ComputedTensor> Tensors, IReadOnlyList<Advice> Advice)
{
    /// <summary>The option of the command line that asks for an expansion, as errors name it.</summary>
    public const string ExpandOption = "--lora expand";

    /// <summary>New names, and nothing else.</summary>
    public static LoraPlan RenameOnly { get; } = new([], []);

    /// <summary>How the LoRA is expanded, or null where it is not.</summary>
    public LoraExpansion? Expansion { get; init; }

    /// <summary>Whether it is merged.</summary>
    public bool IsMerge { get; init; }

    /// <summary>Names that follow a merge in the same file.</summary>
    public IReadOnlyDictionary<TensorEntry, string> NewNames { get; init; } = new Dictionary<TensorEntry, string>();

    /// <summary>The storages that change.</summary>
    public IReadOnlyList<StorageReplacement> Replacements => [.. Tensors.Select(item => item.Replacement)];

    /// <summary>The moves of a checkpoint, completed by the LoRA's: its matrices get new contents in the place of a permutation, and new names.</summary>
    public List<TensorMove> Complete(IReadOnlyList<TensorMove> moves)
    {
        if (Tensors.Count + NewNames.Count == 0)
        {
            return [.. moves];
        }

        var shapes = Tensors.ToDictionary(item => item.Tensor, item => item.Shape);
        var others = shapes.Keys.Concat(NewNames.Keys).Distinct()
            .Except(moves.Select(move => move.Tensor))
            .Select(tensor => new TensorMove(tensor, null, null, []));
        return [.. moves.Concat(others).Select(Complete)];

        TensorMove Complete(TensorMove move)
        {
            var renamed = NewNames.TryGetValue(move.Tensor, out var name) ? move with { NewName = name } : move;
            return shapes.TryGetValue(move.Tensor, out var shape) ? renamed with { NewShape = shape, Blocks = [] } : renamed;
        }
    }

    /// <summary>Decides between new names and an expansion.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="layout">The layout that was found in it.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="permutation">The source rows of a fused tensor in the order of the destination.</param>
    /// <param name="options">What the user says.</param>
    /// <exception cref="MigrationException">Shapes do not fit, renaming is not exact and nothing else was asked for, or what was cannot be done.</exception>
    public static LoraPlan Of(Checkpoint checkpoint, LayoutFamily layout, AttentionGeometry geometry, RowPermutation permutation, LoraOptions options)
    {
        var layers = LoraLayer.Find(checkpoint, layout.Module);
        var fused = layers.Where(layer => layer.IsFused).ToList();
        foreach (var layer in fused)
        {
            _ = LoraShape.Candidates(layer, geometry);
        }

        if (fused.Count == 0 || permutation.IsIdentity || !AddsByRow(fused, options))
        {
            return RenameOnly;
        }

        if (options.Treatment != LoraTreatment.Expand)
        {
            throw Inexact(fused[0]);
        }

        if (!checkpoint.TakesReplacements)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{ExpandOption}: no LoRA of LitGPT is stored in a file of this format");
        }

        if (checkpoint.Optimizers.FirstOrDefault(optimizer => optimizer.HasState) is { } optimizer)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{ExpandOption}: the moments of a LoRA cannot follow it to a higher rank",
                where: $"optimizer state '{optimizer.Path}'");
        }

        var shape = LoraShape.Of(checkpoint, layers, geometry, ExpandOption);
        var expansion = new LoraExpansion(shape.Rank, shape.FusedSections);
        return new LoraPlan(
            [.. new LoraExpander(checkpoint, geometry, permutation, expansion).Matrices(layers)],
            [new(
                "lora-settings-change",
                $"the LoRA is to be used with lora_r {expansion.NewRank} instead of {expansion.Rank}, "
                + $"{expansion.Factor} times its lora_alpha, and lora_query, lora_key and lora_value true")])
        {
            Expansion = expansion,
        };
    }

    /// <summary>Whether the old LitGPT added row i of the delta to row i of the interleaved matrix.</summary>
    /// <param name="fused">The LoRA of the fused attention, under the names of that time.</param>
    /// <param name="options">What the user says.</param>
    public static bool AddsByRow(IEnumerable<LoraLayer> fused, LoraOptions options) =>
        options.IsBefore900 || fused.Any(layer => layer.SectionCount == LoraSections.All.Count);

    private static MigrationException Inexact(LoraLayer layer)
    {
        var reason = layer.SectionCount == LoraSections.All.Count ? "q, k and v all have LoRA" : "this LoRA is from before #900";
        return new MigrationException(
            FailureKind.Unsupported,
            $"{reason}, and LitGPT then added row i of its delta to row i of the interleaved matrix: "
            + "a new name alone would move it to other heads; "
            + $"--lora expand keeps it exactly, at rank {layer.A.Shape[0]} instead of {layer.Rank}, and --lora merge adds it to its base",
            where: $"tensor '{layer.B.Label}'");
    }
}
