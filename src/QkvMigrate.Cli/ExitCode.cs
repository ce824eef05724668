namespace QkvMigrate.Cli;

/// <summary>The exit codes that scripts rely on.</summary>
internal static class ExitCode
{
    /// <summary>Done, or nothing to do.</summary>
    public const int Success = 0;

    /// <summary>At least one checkpoint failed or was refused, or something could not be had or printed.</summary>
    public const int Failure = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;

    /// <summary><c>--check</c> found legacy checkpoints.</summary>
    public const int LegacyFound = 3;

    /// <summary>Something happened that nobody expected: a bug of this program. The number is EX_SOFTWARE of sysexits.h.</summary>
    public const int Unexpected = 70;

    /// <summary>Shells report a process that a signal ended as 128 plus the signal's number; so does this program.</summary>
    public const int SignalBase = 128;
}
