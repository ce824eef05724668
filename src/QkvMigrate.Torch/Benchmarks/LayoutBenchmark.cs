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
    public static LayoutComparison Run(LayoutBenchmarkPlan plan, ComputeDevice device, CancellationToken cancellation)
    {
        try
        {
            var lengths = plan.Lengths.For(plan.Configuration);
            return Compare(plan, lengths, TorchDevices.Resolve(device), cancellation);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {device}");
        }
    }

    private static LayoutComparison Compare(LayoutBenchmarkPlan plan, MeasuredLengths lengths, Device where, CancellationToken cancellation)
    {
        IPeakMemory memory = where.type == TorchSharp.DeviceType.CUDA ? new DeviceMemory(where) : new HostMemory();
        var runs = new List<Measured>();
        for (var repetition = 0; repetition < plan.Repetitions; repetition++)
        {
            LayoutFamily[] order = [LayoutFamilies.Interleaved, LayoutFamilies.Sequential];
            foreach (var layout in repetition % 2 == 0 ? order : order.Reverse())
            {
                runs.Add(Measure(plan, lengths, layout, where, memory, cancellation));
            }
        }

        var (interleaved, sequential) = (Summary(LayoutFamilies.Interleaved), Summary(LayoutFamilies.Sequential));
        return new LayoutComparison(plan, lengths, where.ToString(), memory.Counter, runs[0].ParameterCount, interleaved, sequential);

        LayoutMeasurement Summary(LayoutFamily layout)
        {
            var own = runs.Where(run => run.Layout == layout).ToList();
            return new LayoutMeasurement(
                layout,
                Median(own.SelectMany(run => run.StepSeconds)),
                lengths.NewTokens / Median(own.SelectMany(run => run.GenerationSeconds)),
                own[0].CacheBytes,
                own.Max(run => run.TrainingPeakBytes),
                own.Max(run => run.GenerationPeakBytes));
        }
    }

    private static Measured Measure(
        LayoutBenchmarkPlan plan, MeasuredLengths lengths, LayoutFamily layout, Device device, IPeakMemory memory, CancellationToken cancellation)
    {
        var type = plan.Precision == BenchmarkPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        using var parameters = new RandomParameters(Seed, type, device);
        using var model = new Gpt(plan.Configuration, layout, parameters);

        memory.Reset();
        var generation = Generate(model, plan, lengths, cancellation);
        var generationPeak = memory.Read();
        long cacheBytes;
        using (var cache = model.CreateCache(1, lengths.Prompt + lengths.NewTokens))
        {
            cacheBytes = cache.Bytes;
        }

        memory.Reset();
        var steps = Train(model, plan, lengths, cancellation);
        return new Measured(layout, model.Parameters.Sum(parameter => parameter.numel()), steps, generation, cacheBytes, memory.Read(), generationPeak);
    }

    private static List<double> Generate(Gpt model, LayoutBenchmarkPlan plan, MeasuredLengths lengths, CancellationToken cancellation)
    {
        var prompt = Enumerable.Range(0, lengths.Prompt).Select(token => token % model.Configuration.VocabularySize).ToList();
        var options = new GenerationOptions { MaxNewTokens = lengths.NewTokens };
        return Sample(plan, () => TokenGenerator.Run(model, prompt, options, cancellation), cancellation);
    }

    private static List<double> Train(Gpt model, LayoutBenchmarkPlan plan, MeasuredLengths lengths, CancellationToken cancellation)
    {
        using var step = new TrainingStep(model, lengths.Sequence, Seed);
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
