namespace QkvMigrate.Cli;

/// <summary>Tells of a failure that nobody expected: a bug of this program.</summary>
internal static class UnexpectedFailure
{
    /// <summary>Set to 1, it has the whole trace printed.</summary>
    private const string DebugVariable = "QKVMIGRATE_DEBUG";

    /// <summary>Has one on any other thread told, too, where the runtime would print a trace and abort.</summary>
    public static void TellFromEveryThread() =>
        AppDomain.CurrentDomain.UnhandledException += (_, failure) =>
        {
            Tell((Exception)failure.ExceptionObject);
            Environment.Exit(ExitCode.Unexpected);
        };

    /// <summary>Says what it was and where, and how it is reported.</summary>
    public static void Tell(Exception failure)
    {
        var error = failure is AggregateException { InnerException: { } inner } ? inner : failure;
        Messages.Say($"unexpected failure{Place(error)}: {error.GetType().Name}: {error.Message}; this is a bug: report this line, the command line and what {DebugVariable}=1 prints");
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1")
        {
            Console.Error.WriteLine(failure);
        }
    }

    /// <summary>The innermost method of this program that was at work.</summary>
    private static string Place(Exception error)
    {
        var frames = (error.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var frame = Array.Find(frames, line => line.Contains(nameof(QkvMigrate), StringComparison.Ordinal)) ?? frames.FirstOrDefault();
        return frame is null ? "" : $" {frame.Split('(')[0]}";
    }
}
