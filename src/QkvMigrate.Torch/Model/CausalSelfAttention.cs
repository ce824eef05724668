using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>LitGPT's <c>CausalSelfAttention</c>, in the layout that its heads stand in.</summary>
internal sealed class CausalSelfAttention
{
    private readonly IFusedHeads heads;
    private readonly Linear fused;
    private readonly Linear projection;
    private readonly ScaledDotProduct attention;
    private readonly int? window;

    public CausalSelfAttention(ModelConfiguration configuration, LayoutFamily layout, ParameterScope parameters, int layer)
    {
        var geometry = configuration.Geometry;
        heads = layout.Age switch
        {
            LitGptAge.Legacy => new InterleavedHeads(geometry),
            LitGptAge.Current => new SequentialHeads(configuration, parameters),
            _ => throw new ArgumentException($"LitGPT has no attention of the layout {layout}", nameof(layout)),
        };
        fused = new Linear(parameters[layout.ModuleName], configuration.EmbeddingSize, geometry.FusedRows, configuration.Bias || configuration.AttentionBias);
        projection = new Linear(parameters["proj"], geometry.ProjectionColumns, configuration.EmbeddingSize, configuration.Bias);
        attention = new ScaledDotProduct(configuration);
        window = configuration.SlidingWindow?.On(layer);
    }

    /// <summary>How many heads of keys, and as many of values, a cache of this layer keeps.</summary>
    public int CachedHeads => heads.CachedHeads;

    /// <summary><c>(B, T, n_embd)</c> to the same; with <paramref name="cache"/>, behind the <paramref name="start"/> positions that it holds.</summary>
    public Tensor Forward(Tensor x, Rotation rotation, CausalMask mask, KeyValueCache? cache, long start)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = heads.Split(fused.Forward(x), cache is not null);
        q = rotation.Apply(q);
        k = rotation.Apply(k);
        if (cache is not null)
        {
            (k, v) = cache.Append(start, k, v);
        }

        var masked = window;
        if (q.shape[2] == 1 && window is { } size && size < k.shape[2])
        {
            // One token needs no mask where it is shown no more than what it may attend to.
            (k, v) = (k.narrow(2, k.shape[2] - size, size), v.narrow(2, v.shape[2] - size, size));
            masked = null;
        }

        k = heads.Expand(k, cache is not null);
        v = heads.Expand(v, cache is not null);
        var y = attention.Forward(q, k, v, mask, masked).transpose(1, 2).flatten(2);
        return projection.Forward(y).MoveToOuterDisposeScope();
    }
}
