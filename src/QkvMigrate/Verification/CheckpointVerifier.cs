using System.Diagnostics;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Proves that one checkpoint file is the upgrade or downgrade of another, from the two files alone. Nothing of what
/// plans or writes such a file is used here: where a row must have come from is computed from the definitions of the
/// layouts. Memory does not depend on the size of the tensors.
/// </summary>
internal sealed class CheckpointVerifier
{
    private readonly Checkpoint original;
    private readonly Checkpoint upgraded;
    private readonly IReadOnlyList<TensorEntry> otherShards;
    private readonly VerificationMode mode;
    private readonly DifferenceLog log = new();
    private readonly CancellationToken cancellation;
    private readonly bool isWithoutUnreferenced;

    private CheckpointVerifier(Checkpoint original, Checkpoint upgraded, IReadOnlyList<TensorEntry> otherShards, VerificationMode mode, bool isWithoutUnreferenced, CancellationToken cancellation)
    {
        this.original = original;
        this.upgraded = upgraded;
        this.otherShards = otherShards;
        this.mode = mode;
        this.cancellation = cancellation;
        this.isWithoutUnreferenced = isWithoutUnreferenced;
    }

    /// <summary>Verifies a file whose geometry is known.</summary>
    /// <param name="original">The path of the first file.</param>
    /// <param name="upgraded">The path of what must be its upgrade or downgrade.</param>
    /// <param name="geometry">Where q, k and v stand.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The first file cannot be read or understood. What is wrong with the second is in the report.</exception>
    public static VerificationReport Verify(string original, string upgraded, AttentionGeometry geometry, VerificationMode mode, CancellationToken cancellation) =>
        Verify(original, upgraded, _ => geometry, [], mode, cancellation);

    /// <summary>Verifies a file; the geometry is asked for only where rows move.</summary>
    /// <param name="original">The path of the first file.</param>
    /// <param name="upgraded">The path of what must be its upgrade or downgrade.</param>
    /// <param name="resolveGeometry">Finds the geometry that fits the fused tensors' shapes.</param>
    /// <param name="otherShards">The tensors in the other files of the same model as the first file, where it has several.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="isWithoutUnreferenced">Whether storages that nothing in the first file names must be left out where the layout changes.</param>
    /// <exception cref="MigrationException">The first file cannot be read or understood, or there is no geometry.</exception>
    public static VerificationReport Verify(string original, string upgraded, Func<IReadOnlyList<AttentionShape>, AttentionGeometry> resolveGeometry, IReadOnlyList<TensorEntry> otherShards, VerificationMode mode, CancellationToken cancellation, bool isWithoutUnreferenced = false)
    {
        var watch = Stopwatch.StartNew();
        using var before = Checkpoint.Open(original);
        return Verify(before, upgraded, resolveGeometry, otherShards, mode, isWithoutUnreferenced, cancellation) with { Elapsed = watch.Elapsed };
    }

    /// <summary>As above, where the first file is open already.</summary>
    internal static VerificationReport Verify(Checkpoint original, string upgraded, Func<IReadOnlyList<AttentionShape>, AttentionGeometry> resolveGeometry, IReadOnlyList<TensorEntry> otherShards, VerificationMode mode, bool isWithoutUnreferenced, CancellationToken cancellation)
    {
        try
        {
            using var after = Checkpoint.Open(upgraded);
            return new CheckpointVerifier(original, after, otherShards, mode, isWithoutUnreferenced, cancellation).Run(resolveGeometry);
        }
        catch (MigrationException error) when (error.File == upgraded && error.Kind != FailureKind.Io)
        {
            // A second file that breaks the rules of its format is no failure of the verification: it is what was to be found.
            return new VerificationReport
            {
                Original = original.Source.Path,
                Upgraded = upgraded,
                Mode = mode,
                Differences = [new Difference(error.Where ?? "file", error.Problem) { Offset = error.Offset }],
                DifferenceCount = 1,
            };
        }
    }

    private VerificationReport Run(Func<IReadOnlyList<AttentionShape>, AttentionGeometry> resolveGeometry)
    {
        OtherObjects.Refuse(original, upgraded);
        var change = ExpectedChanges.Between(original, upgraded);
        List<FusedEntry> fused = change is null ? [] : FusedTensors.Of(original, change.From, otherShards);
        var geometry = change is null ? null : resolveGeometry(FusedTensors.Shapes(original, fused, otherShards));
        var lora = change is null ? null : ExpandedLora.Find(original, upgraded, change.From, geometry!, log);
        var changes = ExpectedChanges.Of(original, change, geometry, fused, lora, log);
        TensorTable.Compare(original, upgraded, changes, log);
        LeftNames.Find(upgraded, change, log);
        var dropped = isWithoutUnreferenced && change is not null ? DroppedRecords.Of(original) : DroppedRecords.None;
        var regions = FileStructure.Compare(original, upgraded, changes, dropped, log);
        var results = regions is null ? [] : RegionSweep.Run(original, upgraded, regions, changes.Moved, mode, cancellation);
        foreach (var result in results)
        {
            log.Add(result.Log);
        }

        if (lora is not null && log.Count == 0)
        {
            // The tensors are those that the shapes ask for: they can be multiplied out.
            var comparison = new LoraComparison(original, upgraded, geometry!, change!, mode, cancellation);
            foreach (var layer in lora.Layers)
            {
                log.Add(comparison.Compare(layer));
            }
        }

        return new VerificationReport
        {
            Original = original.Source.Path,
            Upgraded = upgraded.Source.Path,
            Mode = mode,
            Change = change,
            Geometry = geometry,
            LoraRank = lora is null ? null : (lora.Rank, lora.NewRank),
            Differences = log.First,
            DifferenceCount = log.Count,
            Coverage = new VerificationCoverage
            {
                Tensors = original.Tensors.Count,
                MovedTensors = changes.Moved.Count,
                RenamedNames = changes.Renames.Count,
                ExpandedLayers = lora?.Layers.Count ?? 0,
                Regions = results.Count,
                DroppedRecords = dropped.Count,
                StoredChecksums = regions?.Count(region => region.After.Crc is not null) ?? 0,
                Checksums = results.Count(result => result.HasChecksum),
                ComparedBytes = results.Sum(result => result.ComparedBytes),
                TotalBytes = regions?.Sum(region => region.After.Length) ?? 0,
            },
        };
    }
}
