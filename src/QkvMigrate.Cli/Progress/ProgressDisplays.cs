using QkvMigrate.Cli.Commands;
using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli.Progress;

/// <summary>Chooses how progress is shown.</summary>
internal static class ProgressDisplays
{
    /// <summary>Bars where standard error is a terminal that can draw them, lines where it is not, and null where the user wants neither.</summary>
    public static ProgressMeter? Start(ConsoleLog log, bool quiet)
    {
        if (quiet)
        {
            return null;
        }

        IProgressDisplay display = Terminal.IsError ? new ProgressBars(log.Detail) : new ProgressLines(log.Progress, log.Detail, TimeProvider.System);
        return new ProgressMeter(display, TimeProvider.System);
    }
}
