using QkvMigrate.Cli.Terminals;
using QkvMigrate.Writing;
using Spectre.Console;

namespace QkvMigrate.Cli.Progress;

/// <summary>The bars that are on the terminal: one for each file on its way, as far as there is room, and below them one for the whole.</summary>
internal sealed class BarSet(ProgressContext context, BarColumns columns)
{
    /// <summary>Small files wait for the disk by the dozen, and a terminal has 24 lines.</summary>
    private const int MostFiles = 16;

    private readonly Dictionary<FileMeter, ProgressTask> bars = [];
    private ProgressTask? whole;

    /// <summary>Brings the bars up to date.</summary>
    public void Show(ProgressSnapshot now)
    {
        var files = now.Files.Take(MostFiles).ToList();
        foreach (var gone in bars.Keys.Except(files).ToList())
        {
            context.RemoveTask(bars[gone]);
            bars.Remove(gone);
        }

        foreach (var file in files)
        {
            var name = columns.Description(Stage(file.Stage), Printable.Text(file.Path));
            if (bars.TryGetValue(file, out var bar))
            {
                bar.Description = name;
                bar.Value = file.Done;
            }
            else
            {
                // It starts from zero: a rate over no time at all would be a fantastic one.
                bars.Add(file, whole is null ? context.AddTask(name, maxValue: file.Total) : context.AddTaskBefore(name, whole, maxValue: file.Total));
            }
        }

        if (!now.HasWhole)
        {
            return;
        }

        var all = columns.Description("", now.Units > 1 ? $"{now.UnitsDone} of {now.Units} finished" : "all");
        if (whole is null)
        {
            whole = context.AddTask(all, maxValue: now.Total);
        }
        else
        {
            whole.Description = all;
            whole.MaxValue = now.Total;
            whole.Value = now.Done;
        }
    }

    private static string Stage(WriteStage stage) => stage switch
    {
        WriteStage.Verifying => "verifying ",
        WriteStage.Syncing => "syncing ",
        _ => "",
    };
}
