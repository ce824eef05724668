using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>Holds one open file against another.</summary>
internal sealed class FileVerification : BegunVerification
{
    private readonly Checkpoint original;
    private readonly Checkpoint whole;
    private readonly LeftOutOptimizers? optimizers;
    private readonly Checkpoint upgraded;
    private readonly VerifiedChange? change;
    private readonly List<FusedEntry> fused;
    private readonly VerificationOptions options;
    private readonly MergingLora? merging;
    private readonly DifferenceLog log = new();
    private readonly ProofLog proofs = new();

    /// <summary>Finds out what was made of the first file.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file; closed with this object.</param>
    /// <param name="otherShards">The tensors in the other files of the same model as the first file, where it has several.</param>
    /// <param name="options">What the user says; its geometry and selection are asked elsewhere.</param>
    /// <param name="merging">The LoRA that was added to the first file's weights, or null.</param>
    /// <exception cref="MigrationException">One of the files cannot be understood.</exception>
    public FileVerification(
        Checkpoint original,
        Checkpoint upgraded,
        IReadOnlyList<TensorEntry> otherShards,
        VerificationOptions options,
        MergingLora? merging)
    {
        whole = original;
        this.upgraded = upgraded;
        this.options = options;
        this.merging = merging;
        change = merging is null ? ExpectedChanges.Between(original, upgraded, options.Change) : ExpectedChanges.ByMerge(original);

        // As upgrade does: a file in which nothing changes keeps its optimizer.
        optimizers = options.IsWithoutOptimizer && (change is not null || merging is not null) ? LeftOutOptimizers.Of(original) : null;
        this.original = original = optimizers?.Rest ?? original;
        UnprovableFiles.Refuse(original, upgraded);
        fused = change is null ? [] : FusedTensors.Of(original, change.From, otherShards);
        Shapes = change is not null ? FusedTensors.Shapes(original, fused, otherShards)
            : merging is not null ? FusedTensors.Shapes(original, FusedTensors.Of(original, VerifiedLayouts.Sequential, otherShards), otherShards)
            : null;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<AttentionShape>? Shapes { get; }

    /// <inheritdoc/>
    public override VerificationReport Run(AttentionGeometry? geometry, CancellationToken cancellation)
    {
        var moved = change is null ? null : new FusedChange(change, fused, geometry ?? throw new ArgumentNullException(nameof(geometry)))
        {
            IsOptimizerInModelOrder = options.IsOptimizerInModelOrder,
        };
        var merged = merging is null ? null
            : MergedModel.Of(original, merging, geometry ?? throw new ArgumentNullException(nameof(geometry)), isOldBase: change is not null);
        try
        {
            return Compare(moved, merged, cancellation);
        }
        catch (MigrationException error) when (CheckpointVerifier.IsFinding(error, upgraded.Source.Path))
        {
            return CheckpointVerifier.Finding(original, upgraded.Source.Path, options.Mode, error);
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => upgraded.Dispose();

    private VerificationReport Compare(FusedChange? moved, MergedModel? merged, CancellationToken cancellation)
    {
        var lora = moved is null ? null : ExpandedLora.Find(original, upgraded, moved, log);
        var changes = ExpectedChanges.Of(original, upgraded, moved, (IReshapedTensors?)merged ?? lora, log);
        TensorTable.Compare(original, upgraded, changes, log);
        proofs.Cover("tensors", $"{original.Tensors.Count}, in order: names, dtypes, shapes, strides, and which share a storage");
        LeftNames.Find(upgraded, change, log);
        OptimizersAlone.Find(original, upgraded, log);
        var dropped = options.IsWithoutUnreferenced && moved is not null ? DroppedRecords.Of(whole) : DroppedRecords.None;
        if (optimizers is not null)
        {
            dropped = dropped.Union(optimizers.Records).ToHashSet();
            proofs.Cover("optimizers", $"{whole.Optimizers.Count} states left out, and nothing but them");
        }

        var gone = merging is { HoldsBase: true } ? merging.RecordsBeside(original).Union(dropped).ToHashSet() : dropped;
        var regions = FormatComparison.Compare(original, upgraded, changes, gone, log, proofs);
        var results = regions is null ? [] : RegionSweep.Run(original, upgraded, regions, changes, options.Mode, cancellation);
        foreach (var result in results)
        {
            log.Add(result.Log);
        }

        Cover(regions ?? [], results);
        if (merging is not null && merged is not null)
        {
            proofs.Cover("merged LoRA", $"{merged.Count} weights of {original.Source.Path}, against their sums in float64: {MergeBound.InWords}");
        }

        if (moved is not null && lora is not null && log.Count == 0)
        {
            // The tensors are those that the shapes ask for: they can be multiplied out.
            var comparison = new LoraComparison(original, upgraded, moved.Geometry, moved.Change, options.Mode, cancellation);
            foreach (var layer in lora.Layers)
            {
                log.Add(comparison.Compare(layer));
            }

            proofs.Cover("expanded LoRA", $"{lora.Layers.Count} layers, multiplied out against the first file's, and each number of their matrices");
        }

        return proofs.AddedTo(new VerificationReport
        {
            Original = original.Source.Path,
            Upgraded = upgraded.Source.Path,
            Mode = options.Mode,
            Change = change,
            Geometry = moved?.Geometry,
            LoraRank = lora is null ? null : (lora.Rank, lora.NewRank),
            Differences = log.First,
            DifferenceCount = log.Count,
            Coverage = new VerificationCoverage
            {
                Tensors = original.Tensors.Count,
                MovedTensors = changes.Moved.Count,
                RenamedNames = changes.Renames.Count,
                ExpandedLayers = lora?.Layers.Count ?? 0,
                MergedWeights = merged?.Count ?? 0,
                Regions = results.Count,
                DroppedRecords = dropped.Count,
                StoredChecksums = regions?.Count(region => region.After.Crc is not null) ?? 0,
                Checksums = results.Count(result => result.HasChecksum),
                ComparedBytes = results.Sum(result => result.ComparedBytes),
                TotalBytes = regions?.Sum(region => region.After.Length) ?? 0,
            },
        });
    }

    /// <summary>Tells of how many bytes each was looked at, and of how many not.</summary>
    private void Cover(IReadOnlyList<RegionPair> regions, IReadOnlyList<RegionResult> results)
    {
        var (all, compared) = (regions.Sum(region => region.After.Length), results.Sum(result => result.ComparedBytes));
        var (given, counted) = (regions.Count(region => region.After.Crc is not null), results.Count(result => result.HasChecksum));
        var checksums = given == 0 ? "" : $", {counted} of their {given} checksums";
        if (compared == all)
        {
            proofs.Cover("bytes", $"all {all} of {regions.Count} regions{checksums}");
            return;
        }

        proofs.Cover("bytes", $"{compared} of {all}{checksums}");
        proofs.LeaveOut("bytes", $"{all - compared} within large regions: between their ends, and between the first and the last row of each head that moved");
    }
}
