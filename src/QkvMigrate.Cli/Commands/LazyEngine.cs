using QkvMigrate.Reordering;

namespace QkvMigrate.Cli.Commands;

/// <summary>An engine that is made with its first use: most runs of the program move no row, and libtorch is slow to load.</summary>
internal sealed class LazyEngine(Func<IReorderEngine> create) : IDisposable
{
    private readonly Lock gate = new();
    private IReorderEngine? engine;

    /// <summary>The engine.</summary>
    public IReorderEngine Get()
    {
        lock (gate)
        {
            return engine ??= create();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => engine?.Dispose();
}
