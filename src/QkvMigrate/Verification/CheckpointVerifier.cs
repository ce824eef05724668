using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Configuration;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// Proves that one checkpoint file is the upgrade or downgrade of another, from the two files alone. Nothing of what
/// plans or writes such a file is used here: where a row must have come from is computed from the definitions of the
/// layouts. Memory does not depend on the size of the tensors.
/// </summary>
public sealed class CheckpointVerifier
{
    private readonly Checkpoint original;
    private readonly Checkpoint upgraded;
    private readonly VerificationMode mode;
    private readonly DifferenceLog log = new();
    private readonly CancellationToken cancellation;
    private VerificationCoverage coverage = new();

    private CheckpointVerifier(Checkpoint original, Checkpoint upgraded, VerificationMode mode, CancellationToken cancellation)
    {
        this.original = original;
        this.upgraded = upgraded;
        this.mode = mode;
        this.cancellation = cancellation;
    }

    /// <summary>Verifies a file whose geometry is known.</summary>
    /// <param name="original">The path of the first file.</param>
    /// <param name="upgraded">The path of what must be its upgrade or downgrade.</param>
    /// <param name="geometry">Where q, k and v stand.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The first file cannot be read or understood. What is wrong with the second is in the report.</exception>
    public static VerificationReport Verify(string original, string upgraded, AttentionGeometry geometry, VerificationMode mode, CancellationToken cancellation) =>
        Verify(original, upgraded, _ => geometry, mode, cancellation);

    /// <summary>Verifies a file; the geometry is asked for only where rows move.</summary>
    /// <param name="original">The path of the first file.</param>
    /// <param name="upgraded">The path of what must be its upgrade or downgrade.</param>
    /// <param name="resolveGeometry">Finds the geometry that fits the fused tensors' shapes.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The first file cannot be read or understood, or there is no geometry.</exception>
    public static VerificationReport Verify(string original, string upgraded, Func<IReadOnlyList<AttentionShape>, AttentionGeometry> resolveGeometry, VerificationMode mode, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        using var before = Checkpoint.Open(original);
        if (before.Format != CheckpointFormat.TorchZip)
        {
            throw new MigrationException(FailureKind.Unsupported, "only files that torch.save wrote since PyTorch 1.6 (zips) can be verified", original);
        }

        try
        {
            using var after = Checkpoint.Open(upgraded);
            var report = new CheckpointVerifier(before, after, mode, cancellation).Run(resolveGeometry);
            return report with { Elapsed = watch.Elapsed };
        }
        catch (MigrationException error) when (error.File == upgraded && error.Kind != FailureKind.Io)
        {
            // A second file that breaks the rules of its format is no failure of the verification: it is what was to be found.
            return new VerificationReport
            {
                Original = original,
                Upgraded = upgraded,
                Mode = mode,
                Differences = [new Difference(error.Where ?? "file", error.Problem) { Offset = error.Offset }],
                DifferenceCount = 1,
                Elapsed = watch.Elapsed,
            };
        }
    }

    private VerificationReport Run(Func<IReadOnlyList<AttentionShape>, AttentionGeometry> resolveGeometry)
    {
        var direction = ExpectedChanges.DirectionOf(original, upgraded);
        var geometry = direction is { } way
            ? resolveGeometry(FusedTensors.Shapes(original, FusedTensors.Of(original, legacy: way == Migration.MigrationDirection.Upgrade)))
            : null;
        var changes = ExpectedChanges.Of(original, direction, geometry, log);
        coverage = coverage with { Tensors = original.Tensors.Count, MovedTensors = changes.Moved.Count, RenamedNames = changes.Renames.Count };
        TensorTable.Compare(original, upgraded, changes, log);
        CompareZips(changes);
        return new VerificationReport
        {
            Original = original.Source.Path,
            Upgraded = upgraded.Source.Path,
            Mode = mode,
            Direction = direction,
            Geometry = geometry,
            Differences = log.First,
            DifferenceCount = log.Count,
            Coverage = coverage,
        };
    }

    private void CompareZips(ExpectedChanges changes)
    {
        var (before, after) = (ZipDirectory.Read(original.Source), ZipDirectory.Read(upgraded.Source));
        var pickle = PickleName(before);
        if (!ZipComparison.Compare(before, after, original.Source, pickle, log))
        {
            return;
        }

        var (oldPickle, newPickle) = (before.ByName[pickle], after.ByName[pickle]);
        PickleComparison.Compare(Pickle(original.Source, oldPickle), Pickle(upgraded.Source, newPickle), changes.Renames, newPickle.DataOffset, log);
        CompareEntries([.. before.Entries.Zip(after.Entries)], pickle, changes);
    }

    /// <summary>The entries are compared in the order of the file, by as many threads as there are cores.</summary>
    private void CompareEntries(List<(ZipEntry Before, ZipEntry After)> entries, string pickle, ExpectedChanges changes)
    {
        var keys = original.Tensors.Select(tensor => tensor.Storage).Concat(original.OpaqueStorages)
            .DistinctBy(storage => storage.Offset).ToDictionary(storage => storage.Offset, storage => storage.Key);
        var moved = changes.Moved.ToLookup(view => view.Tensor.Storage.Offset);
        var pairs = entries.ConvertAll(entry => new EntryPair(
            entry.Before,
            entry.After,
            keys.GetValueOrDefault(entry.Before.DataOffset, entry.Before.Name),
            [.. moved[entry.Before.DataOffset].OrderBy(view => view.Tensor.FileOffset)],
            entry.Before.Name != pickle));
        var places = new TensorPlaces(original.Tensors.ToLookup(tensor => tensor.Storage.Key), changes.Moved);
        var results = new EntryResult[pairs.Count];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(0, pairs.Count), EnumerablePartitionerOptions.NoBuffering),
                options,
                () => new EntryComparison(original.Source, upgraded.Source, places),
                (i, _, comparison) =>
                {
                    results[i] = comparison.Compare(pairs[i], mode, cancellation);
                    return comparison;
                },
                _ => { });
        }
        catch (AggregateException errors) when (errors.InnerExceptions.OfType<MigrationException>().FirstOrDefault() is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
        }

        Array.ForEach(results, result => log.Add(result.Log));
        coverage = coverage with
        {
            Entries = results.Length,
            Checksums = results.Count(result => result.HasChecksum),
            ComparedBytes = results.Sum(result => result.ComparedBytes),
            TotalBytes = pairs.Sum(pair => pair.After.Size),
        };
    }

    /// <summary>All of PyTorch's records are in one folder, that of the directory's first entry (caffe2/serialize/inline_container.cc, <c>PyTorchStreamReader::init</c>).</summary>
    private static string PickleName(ZipDirectory zip) =>
        $"{zip.Listed[0].Name[..zip.Listed[0].Name.IndexOf('/', StringComparison.Ordinal)]}/data.pkl";

    private static PickleDocument Pickle(SourceFile source, ZipEntry entry) =>
        PickleMachine.Run(source.Read(entry.DataOffset, (int)entry.Size));
}
