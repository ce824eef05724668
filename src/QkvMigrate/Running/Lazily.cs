namespace QkvMigrate.Running;

/// <summary>
/// A value that is made at its first use, by whichever thread needs it first. Most runs need neither an engine nor libtorch,
/// which is slow to load. A failure is not kept: the next use tries again.
/// </summary>
internal sealed class Lazily<T>(Func<T> create)
    where T : class
{
    private readonly Lock gate = new();
    private T? made;

    /// <summary>The value, the same at each call.</summary>
    public T Get()
    {
        lock (gate)
        {
            return made ??= create();
        }
    }
}
