using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// What the tokens of one forward pass may attend to: each to itself and those before it, or with a sliding window to the
/// last of them. Made once for all layers, and only where attention needs to be told.
/// </summary>
/// <remarks>
/// LitGPT's own masks for cached generation are boolean, and its soft-capped attention adds them to the scores, so that
/// later tokens of a prompt are seen; its window is measured from the first row of the mask (litgpt/model.py, both
/// ages). Here a cache changes the cost and not the result.
/// </remarks>
/// <param name="start">The position of the first token; so many keys stand before it.</param>
/// <param name="count">Tokens in this pass.</param>
/// <param name="device">Where the mask is used.</param>
internal sealed class CausalMask(long start, long count, Device device) : IDisposable
{
    private readonly Dictionary<long, Tensor> masks = [];

    /// <summary>True where the tokens are the first ones and are only kept from looking ahead: what SDPA calls causal.</summary>
    public bool IsPlain(int? window) => start == 0 && count > 1 && (window is not { } size || size >= count);

    /// <summary>
    /// True where token (row) may attend to key (column), <c>(count, start + count)</c>, boolean; null where all may attend
    /// to all, or where the mask <see cref="IsPlain"/> and is not asked for <paramref name="explicitly"/>.
    /// </summary>
    public Tensor? For(int? window, bool explicitly)
    {
        var keys = start + count;
        var size = window is { } positions && positions < keys ? positions : keys;
        return (count == 1 && size == keys) || (!explicitly && IsPlain(window)) ? null
            : masks.TryGetValue(size, out var mask) ? mask
            : masks[size] = Make(keys, size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var mask in masks.Values)
        {
            mask.Dispose();
        }
    }

    private Tensor Make(long keys, long size)
    {
        using var scope = NewDisposeScope();
        var ages = Scalars.Range(start, keys, ScalarType.Int64, device).unsqueeze(1) - Scalars.Range(0, keys, ScalarType.Int64, device).unsqueeze(0);
        return Scalars.With(0, ages.ge).logical_and(Scalars.With(size, ages.lt)).DetachFromDisposeScope();
    }
}
