using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>The keys and values of one layer, kept from token to token (litgpt/model.py, <c>KVCache</c>).</summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly Tensor keys;
    private readonly Tensor values;

    /// <summary>Room for <paramref name="capacity"/> positions: k and v of <c>(batch, heads, capacity, head_size)</c> each.</summary>
    public KeyValueCache(long batch, long heads, long capacity, long headSize, ScalarType dtype, Device device)
    {
        keys = zeros([batch, heads, capacity, headSize], dtype, device).DetachFromDisposeScope();
        values = zeros([batch, heads, capacity, headSize], dtype, device).DetachFromDisposeScope();
    }

    /// <summary>Bytes of both tensors.</summary>
    public long Bytes => keys.numel() * keys.element_size() * 2;

    /// <summary>Writes k and v of <c>(batch, heads, T, head_size)</c> from <paramref name="position"/> on, and gives all up to there.</summary>
    public (Tensor Keys, Tensor Values) Append(long position, Tensor k, Tensor v)
    {
        var count = k.shape[2];
        using (NewDisposeScope())
        {
            keys.narrow(2, position, count).copy_(k);
            values.narrow(2, position, count).copy_(v);
        }

        return (keys.narrow(2, 0, position + count), values.narrow(2, 0, position + count));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        keys.Dispose();
        values.Dispose();
    }
}
