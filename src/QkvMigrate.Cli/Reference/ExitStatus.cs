namespace QkvMigrate.Cli.Reference;

/// <summary>An exit code and what it says.</summary>
/// <param name="Codes">The code, or the codes with commas between them.</param>
/// <param name="Meaning">In words, without a full stop.</param>
internal sealed record ExitStatus(string Codes, string Meaning)
{
    /// <summary>All of them, for the manual page.</summary>
    public static IReadOnlyList<ExitStatus> All { get; } =
    [
        new($"{ExitCode.Success}", "done, or nothing to do"),
        new(
            $"{ExitCode.Failure}",
            "at least one checkpoint failed or was refused, or what was asked for cannot be had on this machine, or what was printed did not all arrive"),
        new($"{ExitCode.Usage}", "the command line makes no sense"),
        new($"{ExitCode.LegacyFound}", "--check found legacy checkpoints"),
        new($"{ExitCode.Unexpected}", "a bug of this program; the line says where, and QKVMIGRATE_DEBUG=1 in the environment prints the trace to report"),
        new(
            $"{ExitCode.SignalBase + 1}, {ExitCode.SignalBase + 2}, {ExitCode.SignalBase + 3}, {ExitCode.SignalBase + 15}",
            "cancelled by SIGHUP, SIGINT, SIGQUIT or SIGTERM; temporary files are gone"),
    ];
}
