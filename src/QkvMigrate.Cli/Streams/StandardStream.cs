namespace QkvMigrate.Cli.Streams;

/// <summary>
/// Standard output or standard error. .NET's own throws where a disk is full, which would end a run whose files are done,
/// and drops without a word what a broken pipe does not take. This one keeps the first problem and goes on.
/// </summary>
internal sealed class StandardStream(IStandardOutput output) : Stream
{
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
            Problem ??= output.Write(buffer);
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
}
