using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>A model's parameters, in the order in which they were taken from <paramref name="source"/>. Owns them.</summary>
internal sealed class ParameterSet(IParameterSource source) : IDisposable
{
    private readonly List<Tensor> tensors = [];

    /// <summary>The parameters.</summary>
    public IReadOnlyList<Tensor> Tensors => tensors;

    /// <summary>Takes one more, which belongs to no dispose scope.</summary>
    /// <exception cref="MigrationException">As <see cref="IParameterSource.Take"/>.</exception>
    public Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        var parameter = source.Take(name, shape).DetachFromDisposeScope();
        tensors.Add(parameter);
        return parameter;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in tensors)
        {
            parameter.Dispose();
        }
    }
}
