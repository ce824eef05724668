using System.Diagnostics;
using QkvMigrate.Layouts;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>
/// Measures what pull request #1013 changed for LitGPT: the same model with interleaved and with sequential rows, in
/// training and in generation.
/// </summary>
public static class LayoutBenchmark
{
    private const long Seed = 1013;

    /// <summary>Measures both layouts in turns, the first one changing, so that a machine that gets slower slows both.</summary>
    /// <exception cref="MigrationException">libtorch or the device is not there or refuses, or the model is none for both layouts.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static LayoutComparison Run(LayoutBenchmarkPlan plan, ReorderDevice device, CancellationToken cancellation)
    {
        try
        {
            return Compare(plan.Fitted(), TorchDevices.Resolve(device), cancellation);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {device}");
        }
    }

    private static LayoutComparison Compare(LayoutBenchmarkPlan fitted, Device where, CancellationToken cancellation)
    {
        var runs = new List<Measured>();
        for (var repetition = 0; repetition < fitted.Repetitions; repetition++)
        {
            LayoutFamily[] order = [LayoutFamilies.Interleaved, LayoutFamilies.Sequential];
            foreach (var layout in repetition % 2 == 0 ? order : order.Reverse())
            {
                runs.Add(Measure(fitted, layout, where, cancellation));
            }
        }

        return new LayoutComparison(fitted, where.ToString(), runs[0].ParameterCount, Summary(LayoutFamilies.Interleaved), Summary(LayoutFamilies.Sequential));

        LayoutMeasurement Summary(LayoutFamily layout)
        {
            var own = runs.Where(run => run.Layout == layout).ToList();
            return new LayoutMeasurement(
                layout,
                Median(own.SelectMany(run => run.StepSeconds)),
                fitted.NewTokens / Median(own.SelectMany(run => run.GenerationSeconds)),
                own[0].CacheBytes,
                own.Max(run => run.TrainingPeakBytes),
                own.Max(run => run.GenerationPeakBytes));
        }
    }

    private static Measured Measure(LayoutBenchmarkPlan plan, LayoutFamily layout, Device device, CancellationToken cancellation)
    {
        using var parameters = new RandomParameters(Seed, ScalarType.Float32, device);
        using var model = new Gpt(plan.Configuration, layout, parameters);
        var isCpu = device.type == TorchSharp.DeviceType.CPU;

        PeakMemory.Reset();
        var generation = Generate(model, plan, cancellation);
        var generationPeak = isCpu ? PeakMemory.Read() : null;
        using var cache = model.CreateCache(1, plan.PromptLength + plan.NewTokens);
        var cacheBytes = cache.Bytes;

        PeakMemory.Reset();
        var steps = Train(model, plan, cancellation);
        return new Measured(layout, model.Parameters.Sum(parameter => parameter.numel()), steps, generation, cacheBytes, isCpu ? PeakMemory.Read() : null, generationPeak);
    }

    private static List<double> Generate(Gpt model, LayoutBenchmarkPlan plan, CancellationToken cancellation)
    {
        var prompt = Enumerable.Range(0, plan.PromptLength).Select(token => token % model.Configuration.VocabularySize).ToList();
        var options = new GenerationOptions { MaxNewTokens = plan.NewTokens };
        return Sample(plan, () => TokenGenerator.Run(model, prompt, options, cancellation), cancellation);
    }

    private static List<double> Train(Gpt model, LayoutBenchmarkPlan plan, CancellationToken cancellation)
    {
        using var step = new TrainingStep(model, plan.SequenceLength, Seed);
        return Sample(plan, () => step.Run(), cancellation);
    }

    /// <summary>Seconds of each sample, behind one that warms up.</summary>
    private static List<double> Sample(LayoutBenchmarkPlan plan, Action work, CancellationToken cancellation)
    {
        work();
        var seconds = new List<double>();
        for (var sample = 0; sample < plan.Samples; sample++)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            work();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return seconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    private sealed record Measured(
        LayoutFamily Layout,
        long ParameterCount,
        IReadOnlyList<double> StepSeconds,
        IReadOnlyList<double> GenerationSeconds,
        long CacheBytes,
        long? TrainingPeakBytes,
        long? GenerationPeakBytes);
}
