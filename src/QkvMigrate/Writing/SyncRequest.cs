namespace QkvMigrate.Writing;

/// <summary>A sync that was asked of a <see cref="SyncGroup"/>.</summary>
/// <param name="sync">The sync.</param>
internal sealed class SyncRequest(DiskSync sync)
{
    /// <summary>The sync.</summary>
    public DiskSync Sync => sync;

    /// <summary>What became of it.</summary>
    public SyncOutcome Outcome { get; set; }

    /// <summary>Why the disk did not take the file, where the system has said so. It says so only once.</summary>
    public IOException? Failure { get; set; }

    /// <summary>The thread that waits for it, or null. It is woken when it is its turn to go on, or to lead.</summary>
    public Sleeper? Waiting { get; set; }
}

/// <summary>What became of a <see cref="SyncRequest"/>.</summary>
internal enum SyncOutcome
{
    /// <summary>It is not decided.</summary>
    Open,

    /// <summary>The disk has it.</summary>
    Together,

    /// <summary>Who asked for it has to sync it by itself.</summary>
    ByItself,

    /// <summary>The disk did not take it.</summary>
    Lost,
}
