using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Parameters below one module path, as LitGPT's modules see their own.</summary>
/// <param name="Parameters">All parameters.</param>
/// <param name="Path">The module's path, such as <c>transformer.h.0.attn</c>; empty for the model itself.</param>
internal readonly record struct ParameterScope(ParameterSet Parameters, string Path)
{
    /// <summary>The module of the name <paramref name="name"/> below this one.</summary>
    public ParameterScope this[string name] => this with { Path = Path.Length == 0 ? name : $"{Path}.{name}" };

    /// <summary>The parameter of this module.</summary>
    /// <exception cref="MigrationException">As <see cref="IParameterSource.Take"/>.</exception>
    public Tensor Take(string name, params ReadOnlySpan<long> shape) => Parameters.Take($"{Path}.{name}", shape);
}
