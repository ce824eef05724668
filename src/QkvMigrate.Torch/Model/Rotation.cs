using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>The rotation of some positions.</summary>
/// <param name="Cos">Cosines, <c>(T, RotarySize)</c>, float32.</param>
/// <param name="Sin">Sines, the same.</param>
internal readonly record struct Rotation(Tensor Cos, Tensor Sin)
{
    /// <summary>
    /// Rotates the first elements of each head of <paramref name="x"/>, <c>(B, heads, T, head_size)</c>; element <c>i</c> is
    /// paired with element <c>i + RotarySize/2</c>. The rest of the head stays.
    /// </summary>
    public Tensor Apply(Tensor x)
    {
        using var scope = NewDisposeScope();
        var size = Cos.shape[1];
        var turned = x.narrow(-1, 0, size);
        var half = size / 2;
        var paired = cat([-turned.narrow(-1, half, half), turned.narrow(-1, 0, half)], -1);
        var roped = (turned * Cos).Plus(paired * Sin).to_type(x.dtype);
        var rest = x.shape[^1] - size;
        return (rest == 0 ? roped : cat([roped, x.narrow(-1, size, rest)], -1)).MoveToOuterDisposeScope();
    }
}
