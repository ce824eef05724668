using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Knows tensors that hold all parameters of a model in one row.</summary>
internal sealed class FlatParameters
{
    /// <summary>Keys under which DeepSpeed keeps all parameters in one row.</summary>
    private static readonly string[] Keys = ["fp32_groups_flat", "single_partition_of_fp32_groups", "fp32_flat_groups"];

    /// <summary>The elements of all parameters of each model. A sum of 64-bit numbers that a file gives may need more bits.</summary>
    private readonly HashSet<decimal> sizes;

    /// <summary>Counts the parameters of <paramref name="models"/>.</summary>
    public FlatParameters(IEnumerable<List<TensorEntry>> models) =>
        sizes = [.. models.Where(model => model.Count > 1).Select(model => ParameterOrder.Weights(model).Sum(parameter => (decimal)parameter.ElementCount))];

    /// <summary>Whether a tensor is such a row: by its key, or by the number of its elements.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="isParameter">Whether it was counted itself.</param>
    public bool Contain(TensorEntry tensor, bool isParameter)
    {
        if (tensor.Shape.Count != 1)
        {
            return false;
        }

        var others = isParameter ? 2M : 1M;
        return sizes.Contains(tensor.ElementCount * others) || KeysAround(tensor).Any(Keys.Contains);
    }

    private static IEnumerable<string> KeysAround(TensorEntry tensor)
    {
        if (tensor.Name is { Text: var own })
        {
            yield return own;
        }

        var at = (ContainerEntry?)tensor.Container;
        for (var i = 0; i < TensorNumbers.Around && at is not null; i++, at = at.Parent)
        {
            if (at.Key is { Text: var key })
            {
                yield return key;
            }
        }
    }
}
