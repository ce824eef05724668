using System.Globalization;
using QkvMigrate.Torch.Benchmarks;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what was measured of both layouts, for people.</summary>
internal static class TextBenchmark
{
    /// <summary>Writes the table.</summary>
    public static void Write(TextWriter writer, LayoutComparison comparison, double scale)
    {
        var (plan, old, young) = (comparison.Plan, comparison.Interleaved, comparison.Sequential);
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{plan.Configuration.Name} at scale {scale}: {comparison.ParameterCount / 1e6:0.0} M parameters, {plan.Configuration.Geometry}, float32 on {comparison.Device}"));
        writer.WriteLine($"training on {plan.SequenceLength} tokens; {plan.NewTokens} new tokens behind {plan.PromptLength}; medians of {plan.Repetitions} times {plan.Samples}");
        writer.WriteLine();
        Row("", "interleaved", "sequential", "ratio");
        Measure("training step", old.TrainingStepSeconds, young.TrainingStepSeconds, seconds => $"{seconds:0.0000} s");
        Measure("generation", old.TokensPerSecond, young.TokensPerSecond, speed => $"{speed:0.00} tokens/s");
        Measure("KV cache", old.CacheBytes, young.CacheBytes, Bytes);
        Peak("peak memory, training", old.TrainingPeakBytes, young.TrainingPeakBytes);
        Peak("peak memory, generation", old.GenerationPeakBytes, young.GenerationPeakBytes);
        writer.WriteLine();
        writer.WriteLine($"to compare: {PullRequest.Url}");
        writer.WriteLine($"measured there: {PullRequest.Method}");

        void Peak(string name, long? before, long? after)
        {
            if (before is { } left && after is { } right)
            {
                Measure(name, left, right, Bytes);
            }
        }

        void Measure(string name, double before, double after, Func<double, string> show) =>
            Row(name, show(before), show(after), (after / before).ToString("0.00", CultureInfo.InvariantCulture));

        void Row(string name, string before, string after, string ratio) => writer.WriteLine($"{name,-24}{before,16}{after,16}{ratio,8}");
    }

    private static string Bytes(double bytes) => ByteSize.Text((long)bytes);
}
