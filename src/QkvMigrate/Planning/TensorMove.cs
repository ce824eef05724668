using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Planning;

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
