using QkvMigrate.Configuration.Models;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// Turns pairs of elements of q and k by angles that grow with the position (litgpt/model.py, <c>build_rope_cache</c> and
/// <c>apply_rope</c>). The angles of all positions that were asked for so far are kept.
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor frequencies;
    private readonly double condenseRatio;
    private readonly long longest;
    private Tensor cosines;
    private Tensor sines;

    public RotaryEmbedding(ModelConfiguration configuration, Device device)
    {
        using var scope = NewDisposeScope();
        condenseRatio = configuration.Rope.CondenseRatio;
        longest = configuration.BlockSize;
        frequencies = Frequencies(configuration.Rope, configuration.RotarySize, device).DetachFromDisposeScope();
        (cosines, sines) = Table(0);
    }

    /// <summary>The rotation of <paramref name="count"/> positions from <paramref name="start"/> on: views, in the scope of the caller.</summary>
    public Rotation At(long start, long count)
    {
        var end = start + count;
        if (end > cosines.shape[0])
        {
            cosines.Dispose();
            sines.Dispose();
            (cosines, sines) = Table(Math.Max(end, Math.Min(2 * end, longest)));
        }

        return new Rotation(cosines.narrow(0, start, count), sines.narrow(0, start, count));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        frequencies.Dispose();
        cosines.Dispose();
        sines.Dispose();
    }

    /// <summary>Cosines and sines of the first <paramref name="length"/> positions, <c>(length, size)</c> each.</summary>
    private (Tensor Cosines, Tensor Sines) Table(long length)
    {
        using var scope = NewDisposeScope();
        var positions = Scalars.Range(0, length, ScalarType.Float32, frequencies.device).Over(condenseRatio);
        var angles = outer(positions, frequencies).repeat(1, 2);
        return (cos(angles).DetachFromDisposeScope(), sin(angles).DetachFromDisposeScope());
    }

    /// <summary>Angle per position, <c>(size / 2)</c>.</summary>
    private static Tensor Frequencies(RopeConfiguration rope, long size, Device device)
    {
        var exponents = Scalars.Range(0, size, ScalarType.Float32, device, step: 2).Over(Math.Max(size, 1));
        var theta = pow(tensor((float)rope.Base, device: device), exponents).reciprocal();
        return rope.Adjustments is not { } adjustments ? theta
            : adjustments.Llama3 is { } band ? Stretch(theta, adjustments.Factor, band)
            : theta.Over(adjustments.Factor);
    }

    private static Tensor Stretch(Tensor theta, double factor, Llama3Band band)
    {
        var turns = theta.Times(band.OriginalMaximumLength).Over(2 * Math.PI);
        var share = turns.Plus(-band.LowFrequencyFactor).Over(band.HighFrequencyFactor - band.LowFrequencyFactor);
        var kept = Scalars.With(0, 1, (least, most) => share.clamp(least, most));
        var stretched = kept.neg().Plus(1) * theta.Over(factor);
        return stretched.Plus(kept * theta);
    }
}
