using System.Runtime.InteropServices;

namespace QkvMigrate.Cli.Streams;

/// <summary>
/// Standard output or standard error. .NET's own throws where a disk is full, which would end a run whose files are done,
/// and drops without a word what a broken pipe does not take. This one keeps the first problem and goes on.
/// </summary>
internal sealed partial class StandardStream(int descriptor) : Stream
{
    private const int Interrupted = 4; // EINTR
    private const int TryAgain = 11; // EAGAIN
    private const short Writable = 4; // POLLOUT

    private readonly Lock gate = new();

    /// <summary>What kept it from taking all that was written, in the system's words, or null.</summary>
    public string? Problem { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (gate)
        {
            while (buffer.Length > 0 && Problem is null)
            {
                var written = Write(descriptor, buffer, buffer.Length);
                if (written >= 0)
                {
                    buffer = buffer[(int)written..];
                    continue;
                }

                switch (Marshal.GetLastPInvokeError())
                {
                    case Interrupted:
                        break;
                    case TryAgain:
                        // Whoever shares the pipe made it non-blocking.
                        Poll(new PollRequest { Descriptor = descriptor, Events = Writable }, 1, timeout: -1);
                        break;
                    case var error:
                        Problem = Marshal.GetPInvokeErrorMessage(error);
                        break;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is kept back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

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
