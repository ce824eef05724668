using QkvMigrate.Attention;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// LitGPT before pull request #1013: for each query group its queries, then its key, then its value; keys and values are
/// expanded to the number of queries before they are cached, but for a single group (litgpt/model.py before 0.5.4,
/// <c>CausalSelfAttention.forward</c> and <c>build_kv_cache</c>).
/// </summary>
internal sealed class InterleavedHeads(AttentionGeometry geometry) : IFusedHeads
{
    private readonly long[] parts = [geometry.QueriesPerGroup, 1, 1];

    public int CachedHeads => geometry.QueryGroupCount == 1 ? 1 : geometry.HeadCount;

    public HeadTensors Split(Tensor projected, bool cached)
    {
        using var scope = NewDisposeScope();
        var (batch, length) = (projected.shape[0], projected.shape[1]);
        var groups = projected.view(batch, length, geometry.QueryGroupCount, geometry.QueriesPerGroup + 2, geometry.HeadSize).permute(0, 2, 3, 1, 4);
        var split = groups.split(parts, 2);
        return new HeadTensors(
            Flatten(split[0]).MoveToOuterDisposeScope(),
            Flatten(ExpandGroups(split[1], cached)).MoveToOuterDisposeScope(),
            Flatten(ExpandGroups(split[2], cached)).MoveToOuterDisposeScope());
    }

    public Tensor Expand(Tensor heads, bool cached) => heads.alias();

    private Tensor ExpandGroups(Tensor heads, bool cached) =>
        geometry.QueriesPerGroup == 1 || (cached && geometry.QueryGroupCount == 1)
            ? heads
            : heads.expand(heads.shape[0], geometry.QueryGroupCount, geometry.QueriesPerGroup, heads.shape[3], geometry.HeadSize);

    /// <summary>The heads of <c>(B, groups, heads of a group, T, head_size)</c> in one row, a copy where they do not lie so.</summary>
    private Tensor Flatten(Tensor heads) => heads.reshape(heads.shape[0], -1, heads.shape[3], geometry.HeadSize);
}
