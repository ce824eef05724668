using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>A normalization over the last dimension.</summary>
internal interface INorm
{
    /// <summary>The shape stays.</summary>
    Tensor Forward(Tensor x);
}

/// <summary>Makes the normalization that a configuration names (litgpt/config.py, <c>norm_class</c>).</summary>
internal static class Norms
{
    /// <summary>A normalization over <paramref name="size"/> elements.</summary>
    public static INorm Create(ModelConfiguration configuration, ParameterScope parameters, long size) =>
        configuration.Norm == NormKind.RmsNorm
            ? new RmsNorm(parameters.Take("weight", size), configuration.NormEpsilon, configuration.NormHasUnitOffset)
            : configuration.NormHasParameters
                ? new LayerNorm(size, parameters.Take("weight", size), parameters.Take("bias", size), configuration.NormEpsilon)
                : new LayerNorm(size, null, null, configuration.NormEpsilon);

    /// <summary>The same where the configuration has the normalization, and else none.</summary>
    public static INorm CreateIf(bool isThere, ModelConfiguration configuration, ParameterScope parameters) =>
        isThere ? Create(configuration, parameters, configuration.EmbeddingSize) : NoNorm.Instance;
}

/// <summary><c>torch.nn.LayerNorm</c>.</summary>
internal sealed class LayerNorm(long size, Tensor? weight, Tensor? bias, double epsilon) : INorm
{
    private readonly long[] shape = [size];

    public Tensor Forward(Tensor x) => nn.functional.layer_norm(x, shape, weight, bias, epsilon);
}

/// <summary>LitGPT's <c>RMSNorm</c>, computed in float32 whatever comes in (litgpt/model.py).</summary>
internal sealed class RmsNorm(Tensor weight, double epsilon, bool addUnitOffset) : INorm
{
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var full = x.to_type(ScalarType.Float32);
        var normalized = full * rsqrt((full * full).mean([-1], keepdim: true).Plus(epsilon));
        var scale = addUnitOffset ? weight.Plus(1) : weight;
        return (normalized * scale.to_type(ScalarType.Float32)).to_type(x.dtype).MoveToOuterDisposeScope();
    }
}

/// <summary><c>torch.nn.Identity</c>, where a configuration leaves a normalization out.</summary>
internal sealed class NoNorm : INorm
{
    public static NoNorm Instance { get; } = new();

    public Tensor Forward(Tensor x) => x.alias();
}
