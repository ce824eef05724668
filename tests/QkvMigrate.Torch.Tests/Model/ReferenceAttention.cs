using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>
/// The new attention once more, element by element in float64, from its definition: no tensor, no library, and nothing in
/// common with the code that it is held against.
/// </summary>
internal sealed class ReferenceAttention(ModelConfiguration configuration, IReadOnlyDictionary<string, float[]> parameters, string path, int? window)
{
    private readonly int headSize = configuration.Geometry.HeadSize;
    private readonly int heads = configuration.Geometry.HeadCount;
    private readonly int groups = configuration.Geometry.QueryGroupCount;

    /// <summary>The attention's output for each position.</summary>
    public double[][] Forward(double[][] x)
    {
        var fused = x.Select(row => Linear("qkv", row)).ToArray();
        var queries = fused.Select((row, position) => Heads(row, 0, heads, "norm_q", position)).ToArray();
        var keys = fused.Select((row, position) => Heads(row, heads, groups, "norm_k", position)).ToArray();
        var values = fused.Select(row => row.Skip((heads + groups) * headSize).Chunk(headSize).ToArray()).ToArray();
        return [.. x.Select((_, position) => Linear("proj", [.. Enumerable.Range(0, heads).SelectMany(head => Attend(position, head))]))];

        double[] Attend(int position, int head)
        {
            var group = head / (heads / groups);
            var first = window is { } size ? Math.Max(0, position - size + 1) : 0;
            var scores = Enumerable.Range(first, position - first + 1).Select(key => Score(queries[position][head], keys[key][group])).ToArray();
            var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
            return [.. Enumerable.Range(0, headSize).Select(element => weights.Select((weight, key) => weight * values[first + key][group][element]).Sum() / weights.Sum())];
        }
    }

    private double Score(double[] query, double[] key)
    {
        var score = query.Zip(key, (left, right) => left * right).Sum() / Math.Sqrt(configuration.AttentionScoresScalar ?? headSize);
        return configuration.AttentionLogitSoftcapping is { } threshold ? Math.Tanh(score / threshold) * threshold : score;
    }

    private double[][] Heads(double[] fused, int first, int count, string norm, int position)
    {
        var rows = fused.Skip(first * headSize).Take(count * headSize).ToArray();
        var normalized = configuration.QueryKeyNorm switch
        {
            QueryKeyNorm.AllHeads => Norm(rows, norm),
            QueryKeyNorm.PerHead => [.. rows.Chunk(headSize).SelectMany(head => Norm(head, norm))],
            _ => rows,
        };
        return [.. normalized.Chunk(headSize).Select(head => Rotate(head, position))];
    }

    private double[] Norm(double[] x, string name)
    {
        var weight = parameters[$"{path}.{name}.weight"];
        if (configuration.Norm == NormKind.RmsNorm)
        {
            var root = Math.Sqrt(x.Average(value => value * value) + configuration.NormEpsilon);
            return [.. x.Select((value, i) => value / root * (weight[i] + (configuration.NormHasUnitOffset ? 1 : 0)))];
        }

        var mean = x.Average();
        var deviation = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + configuration.NormEpsilon);
        return [.. x.Select((value, i) => ((value - mean) / deviation * weight[i]) + parameters[$"{path}.{name}.bias"][i])];
    }

    private double[] Rotate(double[] head, int position)
    {
        var size = configuration.RotarySize;
        var turned = head.ToArray();
        for (var i = 0; i < size / 2; i++)
        {
            var angle = position / configuration.Rope.CondenseRatio * Frequency(Math.Pow(configuration.Rope.Base, -2.0 * i / size));
            turned[i] = (head[i] * Math.Cos(angle)) - (head[i + (size / 2)] * Math.Sin(angle));
            turned[i + (size / 2)] = (head[i + (size / 2)] * Math.Cos(angle)) + (head[i] * Math.Sin(angle));
        }

        return turned;
    }

    private double Frequency(double plain)
    {
        if (configuration.Rope.Adjustments is not { } adjustments)
        {
            return plain;
        }

        if (adjustments.Llama3 is not { } band)
        {
            return plain / adjustments.Factor;
        }

        var wavelength = 2 * Math.PI / plain;
        return wavelength < band.OriginalMaximumLength / band.HighFrequencyFactor ? plain
            : wavelength > band.OriginalMaximumLength / band.LowFrequencyFactor ? plain / adjustments.Factor
            : Blend(((band.OriginalMaximumLength / wavelength) - band.LowFrequencyFactor) / (band.HighFrequencyFactor - band.LowFrequencyFactor));

        double Blend(double smooth) => ((1 - smooth) * plain / adjustments.Factor) + (smooth * plain);
    }

    private double[] Linear(string name, double[] x)
    {
        var weight = parameters[$"{path}.{name}.weight"];
        var bias = parameters.GetValueOrDefault($"{path}.{name}.bias");
        return [.. Enumerable.Range(0, weight.Length / x.Length).Select(row => (bias?[row] ?? 0) + x.Select((value, column) => value * weight[(row * x.Length) + column]).Sum())];
    }
}
