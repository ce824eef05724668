using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Configuration;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>
/// All that a migration does to one checkpoint file, decided before a tensor byte is read. Immutable; the executor
/// writes its <see cref="Rewrite"/> and decides nothing.
/// </summary>
/// <param name="Conversion">What was asked for.</param>
/// <param name="Layout">The layout that was found.</param>
/// <param name="Rewrite">The new file and what it depends on; null where nothing has to be done.</param>
/// <param name="Moves">The tensors that change.</param>
/// <param name="NameChanges">The other names that change.</param>
/// <param name="UntouchedTensors">How many tensors are left alone.</param>
/// <param name="Advice">What the user should know.</param>
public sealed record MigrationPlan(
    Conversion Conversion,
    LayoutFamily Layout,
    PlannedRewrite? Rewrite,
    IReadOnlyList<TensorMove> Moves,
    IReadOnlyList<NameChange> NameChanges,
    int UntouchedTensors,
    IReadOnlyList<Advice> Advice)
{
    /// <summary>How the file's LoRA is expanded, or null where it has none or keeps its matrices.</summary>
    internal LoraExpansion? LoraExpansion { get; init; }

    /// <summary>Tensors that get a storage of their own, because they share theirs with what must not move.</summary>
    public IReadOnlyList<StorageSplit> Splits { get; init; } = [];

    /// <summary>Whether the file is the base of a LoRA, which is merged into it.</summary>
    public bool IsMerge { get; init; }

    /// <summary>Whether there is anything to do.</summary>
    public bool HasWork => Rewrite is not null;
}
