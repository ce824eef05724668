using QkvMigrate.Torch.Model;
using TorchSharp;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>Random parameters, uniform from −1 to 1, that a test can compute with by itself.</summary>
internal sealed class RecordedParameters(int seed) : IParameterSource
{
    private readonly Random random = new(seed);

    /// <summary>The elements of each parameter, row by row.</summary>
    public Dictionary<string, float[]> Values { get; } = [];

    public torch.Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        var count = 1L;
        foreach (var size in shape)
        {
            count *= size;
        }

        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (random.NextSingle() * 2) - 1;
        }

        Values.Add(name, values);
        return torch.tensor(values, shape);
    }
}
