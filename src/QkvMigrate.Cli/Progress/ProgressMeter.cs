using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Progress;

/// <summary>How far a run is.</summary>
/// <param name="Files">The files that are on their way, in the order in which they began.</param>
/// <param name="Done">Bytes that are written, of all files.</param>
/// <param name="Total">Bytes that will be written as far as is known.</param>
/// <param name="UnitsDone">Units whose turn is over.</param>
/// <param name="Units">Units in all; 0 where they were not counted.</param>
internal sealed record ProgressSnapshot(IReadOnlyList<FileMeter> Files, long Done, long Total, int UnitsDone, int Units)
{
    /// <summary>The part of the whole beside which the rest is not worth a line of its own.</summary>
    private const double NearlyAll = 0.99;

    /// <summary>Whether there is more to a run than the one file on its way.</summary>
    public bool HasWhole => Units > 1 || Files.Count > 1 || (Files is [var only] && only.Total < Total * NearlyAll);
}

/// <summary>
/// Gathers the progress of all writers, for a display to draw. A unit's bytes are announced before it is looked at; where
/// nothing of it is written, because it is finished already or refused, they are taken off again.
/// </summary>
internal sealed class ProgressMeter(IProgressDisplay display, TimeProvider time) : IWriteProgress, IBatchObserver, IDisposable
{
    private readonly Lock gate = new();
    private readonly List<FileMeter> files = [];
    private readonly Dictionary<string, long> unitBytes = [];
    private long announced;
    private long ended;
    private int units;
    private int unitsDone;

    /// <summary>When the first file began, as <see cref="TimeProvider.GetTimestamp"/> tells it.</summary>
    public long FirstBegan { get; private set; }

    /// <inheritdoc/>
    public void Begin(int units, long bytes)
    {
        lock (gate)
        {
            this.units += units;
            announced += bytes;
        }
    }

    /// <inheritdoc/>
    public void Started(string path, long bytes)
    {
        lock (gate)
        {
            unitBytes[path] = bytes;
        }
    }

    /// <inheritdoc/>
    public void Finished(string path, IReadOnlyList<CheckpointReport> reports)
    {
        lock (gate)
        {
            unitsDone++;
            if (unitBytes.Remove(path, out var bytes) && !reports.Any(report => report.Status is CheckpointStatus.Upgraded or CheckpointStatus.Downgraded))
            {
                announced -= bytes;
            }
        }
    }

    /// <inheritdoc/>
    public IFileProgress Begin(string path, long bytes)
    {
        var file = new FileMeter(path, bytes, time.GetTimestamp(), End);
        lock (gate)
        {
            FirstBegan = files.Count == 0 && ended == 0 ? file.Started : FirstBegan;
            files.Add(file);
        }

        display.Began(this, file);
        return file;
    }

    /// <summary>How far the run is now.</summary>
    public ProgressSnapshot Look()
    {
        lock (gate)
        {
            var done = ended + files.Sum(file => file.Done);
            var known = ended + files.Sum(file => file.Total);
            return new ProgressSnapshot([.. files], done, Math.Max(known, announced), unitsDone, units);
        }
    }

    /// <summary>Takes the display away.</summary>
    public void Dispose() => display.Dispose();

    private void End(FileMeter file)
    {
        lock (gate)
        {
            files.Remove(file);
            ended += file.Done;
        }

        display.Ended(this, file);
    }
}
