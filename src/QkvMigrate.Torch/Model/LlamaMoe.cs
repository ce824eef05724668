using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// LitGPT's <c>LLaMAMoE</c>: a gate ranks the experts for each token, the best work on it, and what they make is summed,
/// weighted by a softmax over those alone.
/// </summary>
internal sealed class LlamaMoe : IMlp
{
    private readonly int perToken;
    private readonly Linear gate;
    private readonly IReadOnlyList<GatedMlp> experts;

    public LlamaMoe(ModelConfiguration configuration, ExpertConfiguration configured, ParameterScope parameters)
    {
        perToken = configured.PerToken;
        gate = new Linear(parameters["gate"], configuration.EmbeddingSize, configured.Count, hasBias: false);
        experts =
        [
            .. Enumerable
                .Range(0, configured.Count)
                .Select(index => new GatedMlp(configuration, parameters["experts"][$"{index}"], configured.IntermediateSize, x => x.silu())),
        ];
    }

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var tokens = x.view(-1, x.shape[^1]);
        var (scores, chosen) = gate.Forward(tokens).topk(perToken);
        var weights = scores.softmax(1, ScalarType.Float32).to_type(x.dtype);
        var sum = zeros_like(tokens);
        for (var index = 0; index < experts.Count; index++)
        {
            sum = Add(sum, experts[index], Scalars.With(index, chosen.eq));
        }

        return sum.view(x.shape).MoveToOuterDisposeScope();

        Tensor Add(Tensor sum, GatedMlp expert, Tensor isChosen)
        {
            var places = isChosen.nonzero();
            if (places.shape[0] == 0)
            {
                return sum;
            }

            var (token, rank) = (places.select(1, 0), places.select(1, 1));
            var weight = weights[TensorIndex.Tensor(token), TensorIndex.Tensor(rank)].unsqueeze(1);
            return Scalars.With(1, factor => sum.index_add(0, token, weight * expert.Forward(tokens.index_select(0, token)), factor));
        }
    }
}
