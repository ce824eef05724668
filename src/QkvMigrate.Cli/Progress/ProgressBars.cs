using QkvMigrate.Cli.Terminals;
using QkvMigrate.Writing;
using Spectre.Console;

namespace QkvMigrate.Cli.Progress;

/// <summary>
/// Progress on a terminal: a bar for each file on its way and one for the whole, gone when the run is over. A thread of
/// its own draws it, and the writers only count. Less than <see cref="Threshold"/> is written before anybody could look:
/// then nothing is drawn, and Spectre.Console never loaded.
/// </summary>
internal sealed class ProgressBars : IProgressDisplay
{
    /// <summary>Bytes from which on a run is worth a bar.</summary>
    private const long Threshold = 32_000_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly ManualResetEventSlim end = new();
    private Thread? drawing;

    /// <inheritdoc/>
    public void Began(ProgressMeter meter, FileMeter file)
    {
        lock (gate)
        {
            if (drawing is null && meter.Look().Total >= Threshold)
            {
                drawing = new Thread(() => Draw(meter)) { IsBackground = true, Name = "progress" };
                drawing.Start();
            }
        }
    }

    /// <inheritdoc/>
    public void Ended(ProgressMeter meter, FileMeter file)
    {
    }

    /// <summary>Takes the bars away and brings the cursor back.</summary>
    public void Dispose()
    {
        end.Set();
        drawing?.Join();
        end.Dispose();
    }

    private void Draw(ProgressMeter meter)
    {
        var console = Terminal.Open(Console.Error);
        var columns = new BarColumns(console.Profile.Width);
        var progress = console.Progress().AutoRefresh(false).AutoClear(true).Columns(columns.All);
        progress.Start(context =>
        {
            var bars = new Dictionary<FileMeter, ProgressTask>();
            ProgressTask? whole = null;
            do
            {
                var now = meter.Look();
                foreach (var gone in bars.Keys.Except(now.Files).ToList())
                {
                    context.RemoveTask(bars[gone]);
                    bars.Remove(gone);
                }

                foreach (var file in now.Files)
                {
                    if (!bars.TryGetValue(file, out var bar))
                    {
                        bars.Add(file, bar = whole is null ? context.AddTask("", maxValue: file.Total) : context.AddTaskBefore("", whole, maxValue: file.Total));
                    }

                    bar.Description = columns.Description($"{Stage(file.Stage)}{Printable.Text(file.Path)}");
                    bar.Value = file.Done;
                }

                if (now.HasWhole)
                {
                    whole ??= context.AddTask("", maxValue: now.Total);
                    whole.Description = columns.Description(now.Units > 1 ? $"all, {now.UnitsDone} of {now.Units} finished" : "all");
                    whole.MaxValue = now.Total;
                    whole.Value = now.Done;
                }

                context.Refresh();
            }
            while (!end.Wait(Interval));
        });
    }

    private static string Stage(WriteStage stage) => stage switch
    {
        WriteStage.Verifying => "verifying ",
        WriteStage.Syncing => "syncing ",
        _ => "",
    };
}
