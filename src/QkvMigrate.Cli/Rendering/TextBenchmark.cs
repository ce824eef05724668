using System.Globalization;
using QkvMigrate.Torch.Benchmarks;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what was measured of both layouts, for people, and the pull request's own numbers behind it.</summary>
internal static class TextBenchmark
{
    /// <summary>Writes the tables.</summary>
    public static void Write(TextWriter writer, LayoutComparison comparison, double scale)
    {
        var (plan, lengths) = (comparison.Plan, comparison.Lengths);
        var parameters = (comparison.ParameterCount / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
        var shape = $"{parameters} M parameters, {plan.Configuration.Geometry}";
        var medians = $"medians of {plan.Repetitions} times {plan.Samples}";
        writer.WriteLine($"{plan.Configuration.Name} at scale {scale}: {shape}, {Name(plan.Precision)} on {comparison.Device}");
        writer.WriteLine($"training on {lengths.Sequence} tokens; {lengths.NewTokens} new tokens behind {lengths.Prompt}; {medians}");
        writer.WriteLine();
        Measured(comparison).Write(writer);
        writer.WriteLine();
        writer.WriteLine($"measured for {PullRequest.Url}");
        writer.WriteLine($"({PullRequest.Method}):");
        writer.WriteLine();
        Published().Write(writer);
    }

    /// <summary>PyTorch's name of what was computed in.</summary>
    public static string Name(BenchmarkPrecision precision) => precision == BenchmarkPrecision.BFloat16 ? "bfloat16" : "float32";

    private static TextTable Measured(LayoutComparison comparison)
    {
        var (interleaved, sequential) = (comparison.Interleaved, comparison.Sequential);
        var table = new TextTable();
        table.Add("", "interleaved", "sequential", "ratio");
        Row("training step", interleaved.TrainingStepSeconds, sequential.TrainingStepSeconds, seconds => $"{seconds:0.0000} s");
        Row("training epoch of 1,000 steps", Epoch(interleaved), Epoch(sequential), seconds => $"{seconds:0.00} s");
        Row("generation", interleaved.TokensPerSecond, sequential.TokensPerSecond, speed => $"{speed:0.00} tokens/s");
        Row("KV cache", interleaved.CacheBytes, sequential.CacheBytes, Bytes);
        if ((interleaved.TrainingPeakBytes, sequential.TrainingPeakBytes) is ({ } interleavedTraining, { } sequentialTraining))
        {
            Row($"peak {comparison.PeakCounter}, training", interleavedTraining, sequentialTraining, Bytes);
        }

        if ((interleaved.GenerationPeakBytes, sequential.GenerationPeakBytes) is ({ } interleavedGeneration, { } sequentialGeneration))
        {
            Row($"peak {comparison.PeakCounter}, generation", interleavedGeneration, sequentialGeneration, Bytes);
            Row(
                "the cache's share of it",
                (double)interleaved.CacheBytes / interleavedGeneration,
                (double)sequential.CacheBytes / sequentialGeneration,
                share => $"{100 * share:0.0} %");
        }

        return table;

        double Epoch(LayoutMeasurement measured) => PullRequest.EpochSamples * measured.TrainingStepSeconds;

        void Row(string name, double before, double after, Func<double, string> show) => table.Add(name, show(before), show(after), Ratio(before, after));
    }

    private static TextTable Published()
    {
        var table = new TextTable();
        table.Add("", "interleaved", "sequential", "ratio", "memory", "", "ratio");
        foreach (var (model, work, newTokens, value, unit, gigabytes) in PullRequest.Measurements)
        {
            table.Add(
                newTokens is null ? $"{model}, {work}" : $"{model}, {work}, {newTokens} new tokens",
                $"{value.Interleaved:0.00} {unit}",
                $"{value.Sequential:0.00} {unit}",
                Ratio(value.Interleaved, value.Sequential),
                $"{gigabytes.Interleaved:0.00} GB",
                $"{gigabytes.Sequential:0.00} GB",
                Ratio(gigabytes.Interleaved, gigabytes.Sequential));
        }

        return table;
    }

    private static string Ratio(double before, double after) => (after / before).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Bytes(double bytes) => ByteSize.Text((long)bytes);
}
