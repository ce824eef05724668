using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Keeps values between −threshold and threshold, smoothly (litgpt/model.py, <c>do_softcapping</c>).</summary>
internal static class SoftCap
{
    /// <summary><c>tanh(x / threshold) · threshold</c>.</summary>
    public static Tensor Apply(Tensor x, double threshold) => tanh(x.Over(threshold)).Times(threshold);
}
