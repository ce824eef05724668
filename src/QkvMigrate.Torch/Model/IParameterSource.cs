using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Where a model's parameters come from while it is built.</summary>
internal interface IParameterSource
{
    /// <summary>The parameter of a name in LitGPT's state dict, with <paramref name="shape"/>; the caller owns it.</summary>
    /// <exception cref="MigrationException">There is none, or it has another shape.</exception>
    Tensor Take(string name, ReadOnlySpan<long> shape);
}
