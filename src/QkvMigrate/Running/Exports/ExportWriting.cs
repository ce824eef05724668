using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Running.Batches;
using QkvMigrate.Trees;
using QkvMigrate.Verification.Exports;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Exports;

/// <summary>Brings a planned export to the disk. The directory gets its name when everything in it is there.</summary>
/// <param name="plan">The plan.</param>
/// <param name="unit">The unit.</param>
/// <param name="files">The checkpoint.</param>
/// <param name="output">The directory.</param>
/// <param name="request">What the user asks.</param>
/// <param name="journal">Told how far the writing is, where the unit is part of a tree; null otherwise.</param>
/// <param name="report">Makes the reports of the unit's checkpoints.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class ExportWriting(
    ExportPlan plan,
    CheckpointUnit unit,
    IReadOnlyList<Checkpoint> files,
    string output,
    MigrationRequest request,
    UnitJournal? journal,
    Func<IReadOnlyList<CheckpointReport>> report,
    CancellationToken cancellation)
{
    /// <summary>The storages whose checksums were looked at.</summary>
    private readonly HashSet<StorageEntry> summed = [];

    /// <summary>Writes all.</summary>
    /// <exception cref="MigrationException">The system does not allow it, or the checkpoint was changed meanwhile.</exception>
    public void Run() => IoFailure.Naming(output, () =>
    {
        if (journal is { NeedsFolder: true })
        {
            DurablePath.Create(output);
        }

        using var folder = DurableFolder.Create(output, request.Force || journal is not null);
        journal?.Begin();
        folder.Fill(() => Fill(folder));
    });

    private void Fill(DurableFolder folder)
    {
        foreach (var weights in plan.Weights)
        {
            Write(weights, Path.Combine(folder.WritePath, weights.Name), folder);
        }

        foreach (var document in plan.Documents)
        {
            using var file = folder.CreateFile(Path.Combine(folder.WritePath, document.Name));
            file.Write(stream => stream.Write(document.Content.Span));
            file.Commit();
        }

        foreach (var kept in plan.KeptFiles)
        {
            FileCopy.IntoNewFolder(Path.Combine(unit.Root, kept), Path.Combine(folder.WritePath, kept), folder, request.Progress, cancellation);
        }

        Verify(folder.WritePath);
        journal?.Digest(
            folder,
            plan.Files,
            [],
            new Dictionary<string, string> { [plan.MainFile] = Path.GetFileName(files[0].Source.Path) },
            new Dictionary<string, string>(),
            cancellation);
        folder.Commit(meanwhile: () => journal?.PrepareFinish(report()));
        RemoveOtherWeights();
        journal?.Finish();
    }

    /// <summary>Has the export proven before it gets its name.</summary>
    private void Verify(string written)
    {
        if (request.Verification is not { } mode)
        {
            return;
        }

        var proof = ExportVerifier.Verify(files, unit.Root, written, request.Geometry.ConfigPath, mode, cancellation);
        CheckpointWriting.Require(proof, "the export", output);
    }

    private void Write(WeightFile weights, string path, DurableFolder folder)
    {
        var layout = weights.Layout;
        using var file = folder.CreateFile(path);
        using var progress = request.Progress?.Begin(Path.Combine(output, weights.Name), layout.Length);
        IoFailure.Naming(path, () => UnchangedSources.During(files.Select(source => source.Source), () =>
        {
            FilePlanWriter.Write(
                layout,
                file.Handle,
                request.Engine,
                progress is null ? null : progress.Advance,
                cancellation);
            file.StartSync(HostSystem.Current.ModeOf(files[0].Source.Handle));
            progress?.Enter(WriteStage.Syncing);
            CheckSums(weights);
            file.WaitForSync();
        }));
        file.Commit();
    }

    /// <summary>
    /// Holds what was read against the checksums of the source: the new files give none, so that damage would not be
    /// noticed later. It is done while the disk is busy with the sync, and reads what was just read once more.
    /// </summary>
    private void CheckSums(WeightFile weights)
    {
        var storages = weights.Tensors.SelectMany(tensor => tensor.Storages).Where(summed.Add).ToList();
        var damage = new MigrationException?[storages.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.For(0, storages.Count, options, at =>
        {
            try
            {
                files.First(file => file.Source == storages[at].Source).CheckSum(storages[at], cancellation);
            }
            catch (MigrationException error)
            {
                damage[at] = error;
            }
        });

        // The first in the file, whichever thread met it when.
        if (damage.OfType<MigrationException>().FirstOrDefault() is { } first)
        {
            throw first;
        }
    }

    /// <summary>The others go when the new ones are there: a run that is killed here leaves both, and the next with --force ends it.</summary>
    private void RemoveOtherWeights()
    {
        foreach (var file in request.Force ? ExportTargets.OtherWeights(plan, output) : [])
        {
            File.Delete(Path.Combine(output, file));
        }
    }
}
