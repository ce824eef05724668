namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>How much of a <see cref="Chain"/> got to the disk.</summary>
internal enum Reach
{
    /// <summary>Only what was synced.</summary>
    Least,

    /// <summary>All that was begun.</summary>
    Most,

    /// <summary>Anything between.</summary>
    Some,
}

/// <summary>What was done to one file's names, or to its bytes and its length.</summary>
/// <param name="Node">The file, folder or link.</param>
/// <param name="IsOfNames">Whether these are its names.</param>
/// <param name="Effects">What was done, in order.</param>
/// <param name="syncs">What brings it to the disk.</param>
internal sealed record Chain(Node Node, bool IsOfNames, IReadOnlyList<Effect> Effects, IReadOnlyList<Sync> syncs)
{
    /// <summary>For each effect, when a sync of it had returned.</summary>
    private readonly int[] synced =
    [
        .. Effects.Select(effect => syncs.Where(sync => sync.Covers(effect)).Select(sync => sync.End).DefaultIfEmpty(int.MaxValue).Min()),
    ];

    /// <summary>How many of the effects may be on the disk at a moment.</summary>
    public int Possible(int moment) => Effects.TakeWhile(effect => effect.Begin < moment).Count();

    /// <summary>How many are, of those that are in order: all before the last one that was synced.</summary>
    public int Certain(int moment) => Array.FindLastIndex(synced, time => time <= moment) + 1;

    /// <summary>Whether one of them is.</summary>
    public bool IsCertain(int effect, int moment) => synced[effect] <= moment;
}
