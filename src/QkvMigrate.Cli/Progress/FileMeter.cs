using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Progress;

/// <summary>One file on its way: the writer counts its bytes here, and displays look at the count when they draw.</summary>
internal sealed class FileMeter(string path, long total, long started, Action<FileMeter> ended) : IFileProgress
{
    private long done;
    private volatile WriteStage stage = WriteStage.Writing;
    private int isEnded;

    /// <summary>The source.</summary>
    public string Path { get; } = path;

    /// <summary>Bytes of the new file.</summary>
    public long Total { get; } = total;

    /// <summary>When the writing began, as <see cref="TimeProvider.GetTimestamp"/> tells it.</summary>
    public long Started { get; } = started;

    /// <summary>Bytes that are written.</summary>
    public long Done => Interlocked.Read(ref done);

    /// <summary>What is being done to it.</summary>
    public WriteStage Stage => stage;

    /// <inheritdoc/>
    public void Advance(long bytes) => Interlocked.Add(ref done, bytes);

    /// <inheritdoc/>
    public void Enter(WriteStage next) => stage = next;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isEnded, 1) == 0)
        {
            ended(this);
        }
    }
}
