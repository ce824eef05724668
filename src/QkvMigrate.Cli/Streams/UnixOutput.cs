using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace QkvMigrate.Cli.Streams;

/// <summary>A descriptor of Unix.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed partial class UnixOutput(int descriptor) : IStandardOutput
{
    private const int Interrupted = 4; // EINTR
    private const int BadDescriptor = 9; // EBADF
    private const short Writable = 4; // POLLOUT

    private static readonly int TryAgain = OperatingSystem.IsMacOS() ? 35 : 11; // EAGAIN

    /// <summary>One that is not open.</summary>
    public static IStandardOutput Closed { get; } = new ClosedOutput(Marshal.GetPInvokeErrorMessage(BadDescriptor));

    /// <inheritdoc/>
    public string? Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var written = Write(descriptor, bytes, bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case var error when error == TryAgain:
                    // Whoever shares the pipe made it non-blocking.
                    Poll(new PollRequest { Descriptor = descriptor, Events = Writable }, 1, timeout: -1);
                    break;
                case var error:
                    return Marshal.GetPInvokeErrorMessage(error);
            }
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(in PollRequest request, nuint count, int timeout);

    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
