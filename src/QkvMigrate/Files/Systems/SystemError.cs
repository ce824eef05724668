using System.Runtime.InteropServices;

namespace QkvMigrate.Files.Systems;

/// <summary>Makes failures of system calls what .NET makes of its own.</summary>
internal static class SystemError
{
    /// <summary>What the last call's error says; its number is the result, as .NET has it on Unix.</summary>
    public static IOException OfUnix(string call, string? path = null)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}{Place(path)}", error);
    }

    /// <summary>What the last call's error says; the result is that of Windows.</summary>
    public static IOException OfWindows(string call, string? path = null)
    {
        const int facility = unchecked((int)0x80070000); // FACILITY_WIN32
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}{Place(path)}", facility | error);
    }

    private static string Place(string? path) => path is null ? "" : $" : '{path}'";
}
