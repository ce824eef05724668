using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>What stands behind the attention in a block: <c>(B, T, n_embd)</c> to the same.</summary>
internal interface IMlp
{
    Tensor Forward(Tensor x);
}

/// <summary>Makes the MLP that a configuration names.</summary>
internal static class Mlps
{
    public static IMlp Create(ModelConfiguration configuration, ParameterScope parameters) => configuration.Mlp switch
    {
        MlpKind.GptNeoxMlp => new GptNeoxMlp(configuration, parameters),
        MlpKind.LlamaMlp => new GatedMlp(configuration, parameters, configuration.IntermediateSize, x => x.silu()),
        MlpKind.GemmaMlp => new GatedMlp(configuration, parameters, configuration.IntermediateSize, x => Gelu(x, configuration)),
        MlpKind.LlamaMoe => new LlamaMoe(configuration, configuration.Experts!, parameters),
        _ => throw new ArgumentOutOfRangeException(nameof(configuration)),
    };

    /// <summary>GELU, exact or by tanh (<c>gelu_approximate</c>).</summary>
    public static Tensor Gelu(Tensor x, ModelConfiguration configuration) =>
        x.gelu(configuration.GeluIsTanh ? TorchSharp.Modules.GELU.Approximate.tanh : TorchSharp.Modules.GELU.Approximate.none);
}

/// <summary>LitGPT's <c>GptNeoxMLP</c>.</summary>
internal sealed class GptNeoxMlp(ModelConfiguration configuration, ParameterScope parameters) : IMlp
{
    private readonly Linear fc = new(parameters["fc"], configuration.EmbeddingSize, configuration.IntermediateSize, configuration.Bias);
    private readonly Linear proj = new(parameters["proj"], configuration.IntermediateSize, configuration.EmbeddingSize, configuration.Bias);

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return proj.Forward(Mlps.Gelu(fc.Forward(x), configuration)).MoveToOuterDisposeScope();
    }
}

/// <summary>LitGPT's <c>LLaMAMLP</c> and <c>GemmaMLP</c>, which differ in their activation.</summary>
internal sealed class GatedMlp(ModelConfiguration configuration, ParameterScope parameters, int width, Func<Tensor, Tensor> activation) : IMlp
{
    private readonly Linear gate = new(parameters["fc_1"], configuration.EmbeddingSize, width, configuration.Bias);
    private readonly Linear up = new(parameters["fc_2"], configuration.EmbeddingSize, width, configuration.Bias);
    private readonly Linear proj = new(parameters["proj"], width, configuration.EmbeddingSize, configuration.Bias);

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return proj.Forward(activation(gate.Forward(x)) * up.Forward(x)).MoveToOuterDisposeScope();
    }
}
