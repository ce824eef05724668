namespace QkvMigrate.Running;

/// <summary>
/// Something that is made with its first use, by whichever thread needs it first: most runs need neither engine nor
/// arithmetic, and libtorch is slow to load. What could not be made is tried again.
/// </summary>
internal sealed class Lazily<T>(Func<T> create)
    where T : class
{
    private readonly Lock gate = new();
    private T? made;

    /// <summary>The same one at each call.</summary>
    public T Get()
    {
        lock (gate)
        {
            return made ??= create();
        }
    }
}
