namespace QkvMigrate.Torch.Model;

/// <summary>The caches of all layers, and how many tokens have passed.</summary>
internal sealed class GenerationCache : IDisposable
{
    internal GenerationCache(IReadOnlyList<KeyValueCache> layers, long capacity)
    {
        Layers = layers;
        Capacity = capacity;
    }

    /// <summary>One a layer.</summary>
    public IReadOnlyList<KeyValueCache> Layers { get; }

    /// <summary>How many tokens there is room for.</summary>
    public long Capacity { get; }

    /// <summary>Tokens that have passed.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes of all layers' keys and values.</summary>
    public long Bytes => Layers.Sum(layer => layer.Bytes);

    /// <summary>Counts <paramref name="tokens"/> that have passed through every layer.</summary>
    public void Advance(long tokens) => Length += tokens;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers)
        {
            layer.Dispose();
        }
    }
}
