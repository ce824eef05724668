using QkvMigrate.Cli.Rendering;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Progress;

/// <summary>
/// Progress for logs: now and then a line for each file that takes long, so that a job of hours shows that it lives and
/// a short one says nothing.
/// </summary>
/// <param name="now">Takes the line of a file on its way.</param>
/// <param name="detail">Takes the lines of files that begin and end.</param>
/// <param name="time">The clock.</param>
internal sealed class ProgressLines(Action<string> now, Action<string> detail, TimeProvider time) : IProgressDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private ITimer? timer;

    /// <inheritdoc/>
    public void Began(ProgressMeter meter, FileMeter file)
    {
        detail($"writing {file.Path}: {ByteSize.Text(file.Total)}");
        lock (gate)
        {
            timer ??= time.CreateTimer(_ => Tell(meter), null, Interval, Interval);
        }
    }

    /// <inheritdoc/>
    public void Ended(ProgressMeter meter, FileMeter file)
    {
        var elapsed = time.GetElapsedTime(file.Started);
        detail(
            $"{(file.Done == file.Total ? "wrote" : "gave up")} {file.Path}: {ByteSize.Text(file.Done)} in {elapsed.TotalSeconds:0.00} "
            + $"s{Rate(file.Done, elapsed)}");
    }

    /// <inheritdoc/>
    public void Dispose() => timer?.Dispose();

    /// <summary>How far a file is: bytes, rate and time left, both from the file's beginning.</summary>
    public static string Line(string name, WriteStage stage, long done, long total, TimeSpan elapsed)
    {
        if (stage != WriteStage.Writing)
        {
            return $"{name}: {(stage == WriteStage.Verifying ? "verifying" : "syncing")} {ByteSize.Text(total)}";
        }

        var left = done > 0 && done <= total ? $", {Duration.Text(elapsed * ((double)(total - done) / done))} left" : "";
        return $"{name}: {ByteSize.Text(done)} of {ByteSize.Text(total)} ({100 * done / Math.Max(total, 1)} %){Rate(done, elapsed)}{left}";
    }

    private static string Rate(long bytes, TimeSpan elapsed) =>
        elapsed > TimeSpan.Zero ? $", {ByteSize.Text((long)(bytes / elapsed.TotalSeconds))}/s" : "";

    private void Tell(ProgressMeter meter)
    {
        var progress = meter.Look();
        foreach (var file in progress.Files)
        {
            now(Line(file.Path, file.Stage, file.Done, file.Total, time.GetElapsedTime(file.Started)));
        }

        if (progress is { HasWhole: true, Files.Count: > 0 })
        {
            var count = progress.Units > 1 ? $" ({progress.UnitsDone} of {progress.Units} finished)" : "";
            now(Line($"all{count}", WriteStage.Writing, progress.Done, progress.Total, time.GetElapsedTime(meter.FirstBegan)));
        }
    }
}
