using System.Runtime.CompilerServices;

namespace QkvMigrate.Checkpoints;

/// <summary>A dict, list or other container that holds tensors.</summary>
/// <param name="Path">How to get there from the root, <c>/</c> between the steps; empty for the root itself.</param>
/// <param name="ModulePaths">The keys of its <c>_metadata</c>, where it has one.</param>
public sealed record ContainerEntry(string Path, IReadOnlyList<NameEntry> ModulePaths)
{
    /// <summary>What holds it; null for the root. The state of an object stands in what the object stands for.</summary>
    public ContainerEntry? Parent { get; init; }

    /// <summary>Its key in <see cref="Parent"/>, where that is a string.</summary>
    public NameEntry? Key { get; init; }

    /// <summary>Whether it has a number in <see cref="Parent"/> and no name: an index, or a key that is an int.</summary>
    public bool IsNumbered { get; init; }

    /// <summary>The strings that stand in it as values, where it has only a few values: a tuple of a name and a tensor.</summary>
    public IReadOnlyList<NameEntry> Texts { get; init; } = [];

    /// <summary>A container is equal to itself alone: two may stand under one path.</summary>
    public bool Equals(ContainerEntry? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}
