namespace QkvMigrate.Running.Batches;

/// <summary>
/// Receives the progress of a batch. A unit is what is migrated as one: a checkpoint file that was named, or a directory of them.
/// With several jobs the calls for different units come from several threads at once. <see cref="MigrationRequest.Progress"/> tells
/// of the bytes.
/// </summary>
public interface IBatchObserver
{
    /// <summary>Called once, before the first unit: how many there are, and the bytes of all their files.</summary>
    void Begin(int units, long bytes);

    /// <summary>A unit's turn begins; <paramref name="bytes"/> are those of all its files.</summary>
    void Started(string path, long bytes);

    /// <summary>A unit's turn is over, with a report for each of its checkpoints.</summary>
    void Finished(string path, IReadOnlyList<CheckpointReport> reports);
}
