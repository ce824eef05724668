using QkvMigrate.Cli.Terminals;
using Spectre.Console;

namespace QkvMigrate.Cli.Progress;

/// <summary>
/// Progress on a terminal: a bar for each file on its way and one for the whole, gone when the run is over. A thread of
/// its own draws it, and the writers only count. Less than <see cref="Threshold"/> is written before anybody could look:
/// then nothing is drawn, and Spectre.Console never loaded.
/// </summary>
/// <param name="detail">Takes the reason where nothing could be drawn.</param>
internal sealed class ProgressBars(Action<string> detail) : IProgressDisplay
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
                drawing = new Thread(() => TryDraw(meter)) { IsBackground = true, Name = "progress" };
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

    /// <summary>Draws until the end. That a terminal went away, or whatever else is wrong with a picture, must not end the work.</summary>
    private void TryDraw(ProgressMeter meter)
    {
        try
        {
            Draw(meter);
        }
        catch (Exception error)
        {
            detail($"progress cannot be shown: {error.Message}");
        }
    }

    private void Draw(ProgressMeter meter)
    {
        var console = Terminal.Open(Console.Error);
        var columns = new BarColumns(console.Profile.Width);
        console.Progress().AutoRefresh(false).AutoClear(true).Columns(columns.All).Start(context =>
        {
            var bars = new BarSet(context, columns);
            do
            {
                bars.Show(meter.Look());
                context.Refresh();
            }
            while (!end.Wait(Interval));
        });
    }
}
