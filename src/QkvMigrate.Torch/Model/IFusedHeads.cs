using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Queries, keys and values, <c>(B, heads, T, head_size)</c> each.</summary>
internal readonly record struct HeadTensors(Tensor Queries, Tensor Keys, Tensor Values);

/// <summary>What the two layouts of the fused QKV projection differ in: where the heads stand, and when keys and values are expanded.</summary>
internal interface IFusedHeads
{
    /// <summary>How many heads of keys, and as many of values, a cache keeps.</summary>
    int CachedHeads { get; }

    /// <summary>
    /// Takes the projected <c>(B, T, (n_head + 2·n_query_groups)·head_size)</c> apart; keys and values have <see cref="CachedHeads"/> heads
    /// where they are cached.
    /// </summary>
    HeadTensors Split(Tensor projected, bool cached);

    /// <summary>Gives keys or values, as <see cref="Split"/> made them or a cache kept them, the heads that attention takes.</summary>
    Tensor Expand(Tensor heads, bool cached);
}
