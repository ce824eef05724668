namespace QkvMigrate.Cli;

/// <summary>Reports a failure that nobody expected: a bug of this program.</summary>
internal static class UnexpectedFailure
{
    /// <summary>Set to 1, it has the whole trace printed.</summary>
    private const string DebugVariable = "QKVMIGRATE_DEBUG";

    /// <summary>Reports a failure on any other thread too, where the runtime would print a trace and abort.</summary>
    public static void TellFromEveryThread() =>
        AppDomain.CurrentDomain.UnhandledException += (_, failure) =>
        {
            Environment.Exit(Tell((Exception)failure.ExceptionObject));
        };

    /// <summary>
    /// Says what happened. Where the system refused something (descriptors, memory, threads), its words are enough. Otherwise the
    /// message says where in the program it happened, and how to report it.
    /// </summary>
    /// <returns>The exit code.</returns>
    public static int Tell(Exception failure)
    {
        if (failure.GetBaseException() is var cause && cause is IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            ErrorOutput.Say(cause.Message.Trim());
            return ExitCode.Failure;
        }

        var error = failure is AggregateException { InnerException: { } inner } ? inner : failure;
        ErrorOutput.Say(
            $"unexpected failure{Place(error)}: {error.GetType().Name}: {error.Message}; this is a bug: report this line, the command "
            + $"line and what {DebugVariable}=1 prints");
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1")
        {
            Console.Error.WriteLine(failure);
        }

        return ExitCode.Unexpected;
    }

    /// <summary>The innermost method of this program that was at work.</summary>
    private static string Place(Exception error)
    {
        var frames = (error.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var frame = Array.Find(frames, line => line.Contains(nameof(QkvMigrate), StringComparison.Ordinal)) ?? frames.FirstOrDefault();
        return frame is null ? "" : $" {frame.Split('(')[0]}";
    }
}
