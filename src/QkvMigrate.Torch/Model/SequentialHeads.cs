using QkvMigrate.Attention;
using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// LitGPT since pull request #1013: all queries, then all keys, then all values; keys and values are cached as they are and
/// expanded behind the cache, but for a single group, which attention broadcasts (litgpt/model.py since 0.5.4,
/// <c>CausalSelfAttention.forward</c>).
/// </summary>
internal sealed class SequentialHeads : IFusedHeads
{
    private readonly AttentionGeometry geometry;
    private readonly long[] parts;
    private readonly QueryKeyNorm kind;
    private readonly INorm queryNorm;
    private readonly INorm keyNorm;

    /// <param name="configuration">The geometry, and how queries and keys are normalized.</param>
    /// <param name="parameters">The block's <c>attn</c>.</param>
    public SequentialHeads(ModelConfiguration configuration, ParameterScope parameters)
    {
        geometry = configuration.Geometry;
        kind = configuration.QueryKeyNorm;
        var (queries, keys) = ((long)geometry.HeadCount * geometry.HeadSize, (long)geometry.QueryGroupCount * geometry.HeadSize);
        parts = [queries, keys, keys];
        queryNorm = Norm("norm_q", queries);
        keyNorm = Norm("norm_k", keys);

        INorm Norm(string name, long all) => kind == QueryKeyNorm.None
            ? NoNorm.Instance
            : Norms.Create(configuration, parameters[name], kind == QueryKeyNorm.AllHeads ? all : geometry.HeadSize);
    }

    public int CachedHeads => geometry.QueryGroupCount;

    public HeadTensors Split(Tensor projected, bool cached)
    {
        using var scope = NewDisposeScope();
        var split = projected.split(parts, -1);
        return new HeadTensors(
            Normalized(split[0], queryNorm).MoveToOuterDisposeScope(),
            Normalized(split[1], keyNorm).MoveToOuterDisposeScope(),
            Heads(split[2]).MoveToOuterDisposeScope());
    }

    public Tensor Expand(Tensor heads, bool cached) =>
        geometry.QueriesPerGroup == 1 || (cached && geometry.QueryGroupCount == 1)
            ? heads.alias()
            : heads.repeat_interleave(geometry.QueriesPerGroup, dim: 1);

    private Tensor Normalized(Tensor x, INorm norm) =>
        kind == QueryKeyNorm.AllHeads ? Heads(norm.Forward(x)) : norm.Forward(Heads(x));

    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], -1, geometry.HeadSize).transpose(1, 2);
}
