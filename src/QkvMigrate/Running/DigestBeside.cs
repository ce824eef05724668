using QkvMigrate.Files;

namespace QkvMigrate.Running;

/// <summary>
/// The SHA-256 of a file, taken on a thread of its own beside work that reads the same file: each byte comes from the disk
/// once. Where that work fails, so does this.
/// </summary>
internal sealed class DigestBeside : IDisposable
{
    private readonly CancellationTokenSource ended;
    private readonly Task<string> digest;

    private DigestBeside(string path, CancellationToken cancellation)
    {
        ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var token = ended.Token;

        // A comparison has all threads of the pool at work.
        digest = Task.Factory.StartNew(() => FileDigest.Whole(path, token), token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Begins.</summary>
    public static DigestBeside Start(string path, CancellationToken cancellation) => new(path, cancellation);

    /// <summary>Waits for the digest, 64 hexadecimal digits in lower case.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public string Wait() => digest.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        ended.Cancel();
        Task.WaitAny(digest);
        ended.Dispose();
    }
}
