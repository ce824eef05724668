using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary><c>torch.nn.Linear</c>: <c>x·Wᵀ + b</c>, weight <c>(outputs, inputs)</c>, bias <c>(outputs)</c> or none.</summary>
internal sealed class Linear
{
    private readonly Tensor weight;
    private readonly Tensor? bias;

    public Linear(ParameterScope parameters, long inputs, long outputs, bool hasBias)
    {
        weight = parameters.Take("weight", outputs, inputs);
        bias = hasBias ? parameters.Take("bias", outputs) : null;
    }

    /// <summary><c>(..., inputs)</c> to <c>(..., outputs)</c>.</summary>
    public Tensor Forward(Tensor x) => nn.functional.linear(x, weight, bias);
}
