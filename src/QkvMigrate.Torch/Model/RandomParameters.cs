using TorchSharp.Modules;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// Parameters as LitGPT initializes them for pretraining: weights normal with a standard deviation of 0.02, biases 0,
/// normalizations 1 (litgpt/model.py, <c>_init_weights</c>). The same numbers for the same seed on every device, because they are
/// drawn on the CPU: TorchSharp has no generator for another. Ready to be trained.
/// </summary>
internal sealed class RandomParameters(long seed, ScalarType dtype, Device device) : IParameterSource, IDisposable
{
    private readonly Generator generator = new((ulong)seed, CPU);

    /// <inheritdoc/>
    public Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        using var scope = NewDisposeScope();
        var parameter = name.EndsWith(".bias", StringComparison.Ordinal) ? zeros(shape, dtype, device)
            : shape.Length == 1 ? ones(shape, dtype, device)
            : empty(shape, dtype).normal_(0, 0.02, generator).to(device);
        return new Parameter(parameter).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => generator.Dispose();
}
