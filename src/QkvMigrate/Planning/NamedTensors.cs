using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning;

/// <summary>Tensors that stand under a key, with the key's text.</summary>
internal static class NamedTensors
{
    /// <summary>Those of <paramref name="tensors"/> that have a name, in their order.</summary>
    public static IEnumerable<(string Name, TensorEntry Tensor)> Named(this IEnumerable<TensorEntry> tensors)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.Name is { Text: var name })
            {
                yield return (name, tensor);
            }
        }
    }
}
