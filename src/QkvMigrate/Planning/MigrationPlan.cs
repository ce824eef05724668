using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Configuration;
using QkvMigrate.FilePlans;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>Why a tensor moves although it is no parameter.</summary>
public enum FollowerKind
{
    /// <summary>Nothing: the tensor is a parameter by its name.</summary>
    None,

    /// <summary>What an optimizer keeps for the parameter.</summary>
    Moment,

    /// <summary>A copy of the parameter, or what belongs to its elements, that stands without its name.</summary>
    Copy,
}

/// <summary>What happens to one tensor.</summary>
/// <param name="Tensor">The tensor under its old name.</param>
/// <param name="NewName">Its key afterwards, or null where the key stays: an optimizer's moments, a copy without a name.</param>
/// <param name="Dimension">The dimension along which its rows are permuted, or null where it is only renamed.</param>
/// <param name="Blocks">The blocks of its storage that change; none where the two layouts coincide.</param>
public sealed record TensorMove(TensorEntry Tensor, string? NewName, int? Dimension, IReadOnlyList<BlockReorder> Blocks)
{
    /// <summary>Its sizes afterwards where its elements are worked out anew, or null where they are those that it has.</summary>
    public IReadOnlyList<long>? NewShape { get; init; }

    /// <summary>What it is to the parameter whose rows it follows.</summary>
    public FollowerKind Follower { get; init; }

    /// <summary>The change of its key, or null where that stays.</summary>
    internal NameChange? Rename => Tensor.Name is { } name && NewName is { } changed ? new NameChange(name, changed) : null;
}

/// <summary>
/// A name that changes: the key of a tensor, a module path in <c>_metadata</c>, a parameter of an optimizer, a key on the way to
/// a tensor.
/// </summary>
/// <param name="Name">The name as it is.</param>
/// <param name="NewName">The name afterwards.</param>
public sealed record NameChange(NameEntry Name, string NewName);

/// <summary>A new file, as it is planned.</summary>
/// <param name="Geometry">The geometry and where it came from.</param>
/// <param name="Permutation">The source rows of a fused tensor in the order of the destination.</param>
/// <param name="Output">What the file is made of.</param>
public sealed record PlannedRewrite(ResolvedGeometry Geometry, RowPermutation Permutation, FilePlan Output);

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
