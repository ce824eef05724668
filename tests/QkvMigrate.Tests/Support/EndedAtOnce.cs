using QkvMigrate.Running;
using QkvMigrate.Running.Batches;

namespace QkvMigrate.Tests.Support;

/// <summary>A run that is cancelled when all is found and nothing is done.</summary>
internal sealed class EndedAtOnce : IBatchObserver, IDisposable
{
    private readonly CancellationTokenSource source = new();

    public CancellationToken Token => source.Token;

    public void Begin(int units, long bytes) => source.Cancel();

    public void Started(string path, long bytes)
    {
        // None is started.
    }

    public void Finished(string path, IReadOnlyList<CheckpointReport> reports)
    {
        // None is.
    }

    public void Dispose() => source.Dispose();
}
