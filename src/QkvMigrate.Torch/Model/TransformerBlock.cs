using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>LitGPT's <c>Block</c>: attention and MLP, one behind the other or side by side.</summary>
internal sealed class TransformerBlock
{
    private readonly INorm norm1;
    private readonly INorm? norm2;
    private readonly INorm postAttentionNorm;
    private readonly INorm postMlpNorm;
    private readonly CausalSelfAttention attention;
    private readonly IMlp mlp;
    private readonly bool isParallel;

    public TransformerBlock(ModelConfiguration configuration, LayoutFamily layout, ParameterScope parameters, int layer)
    {
        isParallel = configuration.ParallelResidual;
        norm1 = Norms.CreateIf(configuration.HasNorm1, configuration, parameters["norm_1"]);
        attention = new CausalSelfAttention(configuration, layout, parameters["attn"], layer);
        postAttentionNorm = Norms.CreateIf(configuration.PostAttentionNorm, configuration, parameters["post_attention_norm"]);
        norm2 = configuration.SharedAttentionNorm ? null : Norms.CreateIf(configuration.HasNorm2, configuration, parameters["norm_2"]);
        mlp = Mlps.Create(configuration, parameters["mlp"]);
        postMlpNorm = Norms.CreateIf(configuration.PostMlpNorm, configuration, parameters["post_mlp_norm"]);
    }

    /// <summary>How many heads of keys, and as many of values, a cache of this layer keeps.</summary>
    public int CachedHeads => attention.CachedHeads;

    /// <summary><c>(B, T, n_embd)</c> to the same; arguments as <see cref="CausalSelfAttention.Forward"/>.</summary>
    public Tensor Forward(Tensor x, Rotation rotation, CausalMask mask, KeyValueCache? cache, long start)
    {
        using var scope = NewDisposeScope();
        var normed = norm1.Forward(x);
        var attended = postAttentionNorm.Forward(attention.Forward(normed, rotation, mask, cache, start)).Plus(x);

        // Without a norm of its own, the MLP reads what the attention read.
        var read = norm2 is null ? normed : norm2.Forward(isParallel ? x : attended);
        return postMlpNorm.Forward(mlp.Forward(read)).Plus(attended).MoveToOuterDisposeScope();
    }
}
