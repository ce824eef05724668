namespace QkvMigrate.Planning.Stages;

/// <summary>
/// How far a checkpoint has come on its way: named, opened, scanned, planned, written, or refused. Immutable; each stage has
/// all that is known there for certain, and the stage before it. Disposing of a stage closes the files of the whole way.
/// </summary>
internal abstract record CheckpointStage : IDisposable
{
    /// <summary>The stage before; null where the way begins.</summary>
    public abstract CheckpointStage? Before { get; }

    /// <summary>The file that the user named.</summary>
    public abstract string Path { get; }

    /// <summary>The stage of a kind that this is or has passed, or null where the checkpoint did not come so far.</summary>
    public TStage? Find<TStage>()
        where TStage : CheckpointStage
    {
        for (var at = this; at is not null; at = at.Before)
        {
            if (at is TStage stage)
            {
                return stage;
            }
        }

        return null;
    }

    /// <summary>The file that is worked on: the one that the user named, or the base of the LoRA in it.</summary>
    public string WorkedOn => Find<OpenedCheckpoint>()?.Checkpoint.Source.Path ?? Path;

    /// <summary>The end of the way, for a reason that was met at this stage.</summary>
    public RefusedCheckpoint Refused(MigrationException error) => new(this, error);

    /// <inheritdoc/>
    public virtual void Dispose() => Before?.Dispose();
}
