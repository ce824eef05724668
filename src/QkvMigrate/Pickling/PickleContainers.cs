namespace QkvMigrate.Pickling;

/// <summary>What has parts that are values of their own.</summary>
internal abstract class PickleContainer(int offset) : PickleNode(offset)
{
    private int depth;
    private long weight = 1;

    /// <inheritdoc/>
    internal sealed override long Weight => weight;

    /// <inheritdoc/>
    internal sealed override int Depth => depth;

    /// <summary>Counts a part in, and checks that the container holds neither too many values nor too deep ones.</summary>
    /// <exception cref="MigrationException">It exceeds <see cref="PickleLimits"/>.</exception>
    internal void Hold(PickleNode part)
    {
        weight += part.Weight;
        depth = Math.Max(depth, part.Depth + 1);
        if (depth > PickleLimits.Nesting || weight > PickleLimits.Weight)
        {
            throw TooMuch();
        }
    }

    private MigrationException TooMuch() => PickleFailure.Limit(
        Offset,
        depth > PickleLimits.Nesting
            ? $"containers are nested more than {PickleLimits.Nesting} deep"
            : $"values that share values stand for more than {PickleLimits.Weight} of them");
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple(int offset, PickleItem[] items) : PickleContainer(offset)
{
    /// <summary>The items.</summary>
    public PickleItem[] Items { get; } = items;
}
