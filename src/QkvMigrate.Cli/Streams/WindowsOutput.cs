using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace QkvMigrate.Cli.Streams;

/// <summary>A standard handle of Windows: a file, a pipe, or a console, which takes text and no bytes.</summary>
[SupportedOSPlatform("windows")]
internal sealed partial class WindowsOutput : IStandardOutput
{
    private const int OutputHandle = -11; // STD_OUTPUT_HANDLE
    private const int ErrorHandle = -12; // STD_ERROR_HANDLE
    private const int InvalidHandle = 6; // ERROR_INVALID_HANDLE

    private readonly nint handle;
    private readonly bool isConsole;

    private WindowsOutput(nint handle)
    {
        this.handle = handle;
        isConsole = GetConsoleMode(handle, out _);
    }

    /// <summary>Standard output.</summary>
    public static IStandardOutput Output => Of(OutputHandle);

    /// <summary>Standard error.</summary>
    public static IStandardOutput Error => Of(ErrorHandle);

    /// <inheritdoc/>
    public string? Write(ReadOnlySpan<byte> bytes) => isConsole ? WriteText(Encoding.UTF8.GetString(bytes)) : WriteBytes(bytes);

    private static IStandardOutput Of(int number) =>
        GetStdHandle(number) is var handle and not (0 or -1) ? new WindowsOutput(handle) : new ClosedOutput(Marshal.GetPInvokeErrorMessage(InvalidHandle));

    private string? WriteBytes(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (!WriteFile(handle, bytes, bytes.Length, out var written, 0))
            {
                return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            }

            bytes = bytes[written..];
        }

        return null;
    }

    /// <summary>Writers hand over whole characters.</summary>
    private string? WriteText(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            if (!WriteConsole(handle, text, text.Length, out var written, 0))
            {
                return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            }

            text = text[written..];
        }

        return null;
    }

    [LibraryImport("kernel32", EntryPoint = "GetStdHandle")]
    private static partial nint GetStdHandle(int number);

    [LibraryImport("kernel32", EntryPoint = "GetConsoleMode")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetConsoleMode(nint handle, out uint mode);

    [LibraryImport("kernel32", EntryPoint = "WriteFile", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool WriteFile(nint handle, ReadOnlySpan<byte> bytes, int length, out int written, nint overlapped);

    [LibraryImport("kernel32", EntryPoint = "WriteConsoleW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool WriteConsole(nint handle, ReadOnlySpan<char> text, int length, out int written, nint reserved);
}
