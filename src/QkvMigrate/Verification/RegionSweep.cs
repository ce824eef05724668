using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Compares regions in the order of the file, by as many threads as there are cores.</summary>
internal static class RegionSweep
{
    /// <summary>What came of each of <paramref name="pairs"/>, in their order.</summary>
    /// <exception cref="MigrationException">A file cannot be read, or what it must be is not known.</exception>
    public static IReadOnlyList<RegionResult> Run(
        Checkpoint original,
        Checkpoint upgraded,
        IReadOnlyList<RegionPair> pairs,
        ExpectedChanges changes,
        VerificationMode mode,
        CancellationToken cancellation)
    {
        var places = new TensorPlaces(original.Tensors, changes);

        // What is small is compared before another thread has started, and needs no buffer that is larger than itself.
        var largest = (int)Math.Clamp(pairs.Select(pair => pair.After.Length).DefaultIfEmpty().Max(), 1, RegionComparison.ChunkBytes);
        RegionComparison Create() => new(original.Source, upgraded.Source, places, largest);
        if (upgraded.Source.Length <= RegionComparison.ChunkBytes)
        {
            var comparison = Create();
            return [.. pairs.Select(pair => comparison.Compare(pair, mode, cancellation))];
        }

        var results = new RegionResult[pairs.Count];

        // Parallel.ForEach asks each thread for its state again every fraction of a second: without a place to keep them,
        // the buffers of a comparison would be made anew for as long as it runs.
        var idle = new ConcurrentBag<RegionComparison>();
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(0, pairs.Count), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
                () => idle.TryTake(out var comparison) ? comparison : Create(),
                (i, _, comparison) =>
                {
                    results[i] = comparison.Compare(pairs[i], mode, cancellation);
                    return comparison;
                },
                idle.Add);
        }
        catch (AggregateException errors) when (errors.InnerExceptions.OfType<MigrationException>().FirstOrDefault() is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
        }

        return results;
    }
}
