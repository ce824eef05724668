using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// <c>softmax(q·kᵀ·scale)·v</c>, the scores soft-capped where the configuration says so (litgpt/model.py,
/// <c>scaled_dot_product_attention</c>).
/// </summary>
internal sealed class ScaledDotProduct(ModelConfiguration configuration)
{
    private readonly double scale = 1 / Math.Sqrt(configuration.AttentionScoresScalar ?? configuration.Geometry.HeadSize);

    /// <summary>q <c>(B, n_head, T, head_size)</c>, k and v <c>(B, n_head or 1, S, head_size)</c>, to <c>(B, n_head, T, head_size)</c>.</summary>
    public Tensor Forward(Tensor q, Tensor k, Tensor v, CausalMask mask, int? window)
    {
        using var scope = NewDisposeScope();
        return (configuration.AttentionLogitSoftcapping is { } threshold ? Capped(threshold) : Fused()).MoveToOuterDisposeScope();

        Tensor Fused()
        {
            // SDPA scales by 1/√head_size itself, and TorchSharp has no argument for another scale.
            var scaled = configuration.AttentionScoresScalar is null ? q : q.Times(scale * Math.Sqrt(configuration.Geometry.HeadSize));
            return nn.functional.scaled_dot_product_attention(scaled, k, v, mask.For(window, explicitly: false), 0, mask.IsPlain(window));
        }

        Tensor Capped(double threshold)
        {
            var scores = SoftCap.Apply(q.matmul(k.transpose(-2, -1)).Times(scale), threshold);
            if (mask.For(window, explicitly: true) is { } allowed)
            {
                scores = Scalars.With(double.NegativeInfinity, value => scores.masked_fill(allowed.logical_not(), value));
            }

            return scores.softmax(-1, ScalarType.Float32).to_type(q.dtype).matmul(v);
        }
    }
}
