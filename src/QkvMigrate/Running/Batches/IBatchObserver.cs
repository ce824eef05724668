namespace QkvMigrate.Running.Batches;

/// <summary>
/// Told how a batch goes. A unit is what is migrated as one: a checkpoint file that was named, or a directory of them.
/// With several jobs the calls for different units come from several threads at once. Bytes on their way are told by
/// <see cref="MigrationRequest.Progress"/>.
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
