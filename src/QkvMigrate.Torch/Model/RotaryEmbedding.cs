using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// Turns pairs of elements of q and k by angles that grow with the position (litgpt/model.py, <c>build_rope_cache</c> and
/// <c>apply_rope</c>). Angles are computed for the positions of each call rather than kept for all: they cost less than
/// one layer's attention.
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor frequencies;
    private readonly double condenseRatio;

    public RotaryEmbedding(ModelConfiguration configuration, Device device)
    {
        using var scope = NewDisposeScope();
        condenseRatio = configuration.Rope.CondenseRatio;
        frequencies = Frequencies(configuration.Rope, configuration.RotarySize, device).DetachFromDisposeScope();
    }

    /// <summary>The rotation of <paramref name="count"/> positions from <paramref name="start"/> on.</summary>
    public Rotation At(long start, long count)
    {
        using var scope = NewDisposeScope();
        var positions = arange(start, start + count, ScalarType.Float32, frequencies.device) / condenseRatio;
        var angles = outer(positions, frequencies).repeat(1, 2);
        return new Rotation(cos(angles).MoveToOuterDisposeScope(), sin(angles).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose() => frequencies.Dispose();

    /// <summary>Angle per position, <c>(size / 2)</c>.</summary>
    private static Tensor Frequencies(RopeConfiguration rope, long size, Device device)
    {
        var exponents = arange(0, size, 2, ScalarType.Float32, device) / Math.Max(size, 1);
        var theta = 1.0 / pow(tensor((float)rope.Base, device: device), exponents);
        return rope.Adjustments is not { } adjustments ? theta
            : adjustments.Llama3 is { } band ? Stretch(theta, adjustments.Factor, band)
            : theta / adjustments.Factor;
    }

    private static Tensor Stretch(Tensor theta, double factor, Llama3Band band)
    {
        var turns = band.OriginalMaximumLength * theta / (2 * Math.PI);
        var kept = ((turns - band.LowFrequencyFactor) / (band.HighFrequencyFactor - band.LowFrequencyFactor)).clamp(0, 1);
        return ((1 - kept) * (theta / factor)) + (kept * theta);
    }
}
