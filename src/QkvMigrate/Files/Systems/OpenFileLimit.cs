using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace QkvMigrate.Files.Systems;

/// <summary>How many files a process may have open, of which each Unix keeps a limit that the process may raise and one that it may not (getrlimit(2)).</summary>
[UnsupportedOSPlatform("windows")]
internal static partial class OpenFileLimit
{
    /// <summary>RLIMIT_NOFILE.</summary>
    private static readonly int Files = OperatingSystem.IsMacOS() ? 8 : 7;

    /// <summary>Raises the first limit to the second, as .NET's runtime does at its start and a native program's does not.</summary>
    /// <returns>How many files may be open.</returns>
    public static long Raise()
    {
        if (Get(Files, out var limit) != 0)
        {
            return long.MaxValue;
        }

        var raised = limit with { Soft = limit.Hard };
        var most = Set(Files, in raised) == 0 ? raised.Soft : limit.Soft;
        return (long)Math.Min(most, (ulong)long.MaxValue);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Get(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int Set(int resource, in Limit limit);

    /// <summary>struct rlimit, on systems of 64 bits; "unlimited" is the largest number on Linux, and one above the largest signed one on macOS.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limit(ulong Soft, ulong Hard);
}
