using QkvMigrate.Configuration;
using QkvMigrate.Migration.Batches;
using QkvMigrate.Migration.Lora;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration;

/// <summary>
/// Migrates a directory as one: all of its checkpoints are planned before the first is written, its configuration
/// follows, its other files come along. A new directory gets its name when everything in it is on the disk.
/// </summary>
internal sealed class DirectoryMigration
{
    private readonly CheckpointUnit unit;
    private readonly string output;
    private readonly MigrationRequest request;
    private readonly UnitJournal? journal;
    private readonly CancellationToken cancellation;

    /// <summary>The checkpoints that are done in place, in order: they stay done where a later one fails.</summary>
    private readonly List<PlannedCheckpoint> replaced = [];

    private DirectoryMigration(CheckpointUnit unit, string output, MigrationRequest request, UnitJournal? journal, CancellationToken cancellation)
    {
        this.unit = unit;
        this.output = output;
        this.request = request;
        this.journal = journal;
        this.cancellation = cancellation;
    }

    /// <summary>Migrates a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="output">The directory that becomes its result; its own root in place.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="journal">Told how far the writing is, where the unit is part of a tree; null otherwise.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static IReadOnlyList<CheckpointReport> Run(CheckpointUnit unit, string output, MigrationRequest request, UnitJournal? journal, CancellationToken cancellation) =>
        new DirectoryMigration(unit, output, request, journal, cancellation).Run();

    private List<CheckpointReport> Run()
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        unfit ??= shards.LeftOut(unit);
        var planned = unit.Checkpoints.Select(name => PlannedCheckpoint.Open(Path.Combine(unit.Root, name), shards.Beside(name), request)).ToList();
        try
        {
            if (unfit is not null && planned.TrueForAll(checkpoint => checkpoint.Error is null))
            {
                planned[0] = planned[0].Failed(unfit);
            }

            return Run(planned, shards);
        }
        finally
        {
            planned.ForEach(checkpoint => checkpoint.Dispose());
        }
    }

    private List<CheckpointReport> Run(List<PlannedCheckpoint> planned, ShardSet shards)
    {
        var error = planned.Find(checkpoint => checkpoint.Error is not null)?.Error;
        var configuration = ConfigurationRewrite.None;
        try
        {
            if (error is null && planned.Exists(checkpoint => checkpoint.Plan!.Layout is CheckpointLayout.Interleaved or CheckpointLayout.Sequential))
            {
                configuration = ConfigurationRewrite.Plan(unit.Root, request.Direction).With(Hyperparameters(planned));
            }

            if (error is null && planned.Exists(checkpoint => checkpoint.Plan!.IsNeeded))
            {
                configuration = shards.AddTo(configuration, request.Direction);
                Check(planned, configuration);
                if (!request.DryRun)
                {
                    Write(planned, configuration);
                }

                return [.. planned.Select(checkpoint => Report(checkpoint, configuration))];
            }
        }
        catch (MigrationException failure)
        {
            error = failure;
            var culprit = Math.Min(replaced.Count, planned.Count - 1);
            planned[culprit] = planned[culprit].Error is null ? planned[culprit].Failed(failure) : planned[culprit];
        }

        return error is null
            ? [.. planned.Select(checkpoint => Unchanged(checkpoint, configuration))]
            : [.. planned.Select(checkpoint => checkpoint.Error is { } own ? checkpoint.Report(own)
                : replaced.Contains(checkpoint) ? Report(checkpoint, configuration)
                : Skipped(checkpoint))];
    }

    /// <summary>The hyperparameters follow a LoRA that is expanded; there is one file of them for all checkpoints.</summary>
    private ConfigurationRewrite Hyperparameters(List<PlannedCheckpoint> planned)
    {
        var expansions = planned.Select(checkpoint => checkpoint.Plan!.LoraExpansion).OfType<LoraExpansion>().Distinct().ToList();
        return expansions.Count <= 1
            ? expansions.Count == 0 ? ConfigurationRewrite.None : LoraHyperparameters.Expand(unit.Root, expansions[0])
            : throw new MigrationException(FailureKind.Conflict, $"--lora expand: the checkpoints of this directory have LoRA of ranks {string.Join(" and ", expansions.Select(expansion => expansion.Rank))}, which one {LoraHyperparameters.FileName} cannot describe", unit.Root);
    }

    private CheckpointReport Report(PlannedCheckpoint checkpoint, ConfigurationRewrite configuration)
    {
        var status = !checkpoint.Plan!.IsNeeded ? CheckpointStatus.Unchanged
            : request.DryRun ? CheckpointStatus.Planned
            : CheckpointWriting.Done(request.Direction);
        var report = checkpoint.Report(status, Path.Combine(output, request.ResultName(checkpoint.Path)));
        return report with
        {
            ConfigurationChanges = configuration.Changes,
            Advice = [.. report.Advice, .. configuration.Advice],
        };
    }

    /// <summary>Where no checkpoint changes, the configuration is left alone as well; that it is of another age is told.</summary>
    private static CheckpointReport Unchanged(PlannedCheckpoint checkpoint, ConfigurationRewrite configuration)
    {
        var report = checkpoint.Report(CheckpointStatus.Unchanged);
        return configuration.IsEmpty || checkpoint.Plan!.Direction == MigrationDirection.Downgrade
            ? report
            : report with { Advice = [.. report.Advice, new Advice("config-outdated", $"the configuration beside it is one that today's LitGPT refuses: {string.Join("; ", configuration.Changes)}")] };
    }

    private static CheckpointReport Skipped(PlannedCheckpoint checkpoint)
    {
        var report = checkpoint.Report(CheckpointStatus.Skipped);
        return report with { Advice = [new Advice("directory-refused", "another checkpoint of its directory was refused"), .. report.Advice] };
    }

    private void Check(List<PlannedCheckpoint> planned, ConfigurationRewrite configuration)
    {
        if (planned.GroupBy(checkpoint => request.ResultName(checkpoint.Path)).FirstOrDefault(same => same.Count() > 1) is { } same)
        {
            throw new MigrationException(FailureKind.Conflict, $"{string.Join(" and ", same.Select(checkpoint => Path.GetFileName(checkpoint.Path)))} would all be merged to {same.Key}; name one of them", unit.Root);
        }

        planned.ForEach(checkpoint => CheckpointWriting.CheckBaseStays(checkpoint, Path.Combine(output, request.ResultName(checkpoint.Path))));
        if (!request.InPlace)
        {
            if (journal is null)
            {
                CheckpointWriting.CheckTarget(unit.Root, output, request);
                return;
            }

            // In a tree the directory can be there because other units are written below it: what counts are the files.
            foreach (var file in Results(configuration))
            {
                CheckpointWriting.CheckTarget(Path.Combine(unit.Root, file), Path.Combine(output, file), request);
            }

            return;
        }

        foreach (var path in planned.Where(checkpoint => checkpoint.Plan!.IsNeeded).Select(checkpoint => checkpoint.Path)
            .Concat(configuration.Files.Select(file => Path.Combine(unit.Root, file.Name))))
        {
            CheckpointWriting.CheckTarget(path, path, request);
        }
    }

    private void Write(List<PlannedCheckpoint> planned, ConfigurationRewrite configuration)
    {
        try
        {
            WriteAll(planned, configuration);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, output);
        }
        catch (OperationCanceledException error)
        {
            throw CheckpointWriting.Cancelled(output, error);
        }
    }

    private void WriteAll(List<PlannedCheckpoint> planned, ConfigurationRewrite configuration)
    {
        if (request.InPlace)
        {
            // The configuration first: if the machine stops in between, the checkpoint is still legacy, and doing it again does the rest.
            WriteConfiguration(unit.Root, configuration);
            foreach (var checkpoint in planned)
            {
                if (checkpoint.Plan!.IsNeeded)
                {
                    CheckpointWriting.Write(checkpoint, checkpoint.Path, request, cancellation);
                }

                replaced.Add(checkpoint);
            }

            return;
        }

        if (journal is { NeedsFolder: true })
        {
            Directory.CreateDirectory(output);
        }

        using var folder = DurableFolder.Create(output, request.Force || journal is not null);
        journal?.Begin();
        foreach (var checkpoint in planned)
        {
            var target = Path.Combine(folder.WritePath, request.ResultName(checkpoint.Path));
            if (checkpoint.Plan!.IsNeeded)
            {
                CheckpointWriting.Write(checkpoint, target, request, cancellation);
            }
            else
            {
                FileCopy.Copy(checkpoint.Path, target, request.Force, request.Progress, cancellation);
            }
        }

        foreach (var file in unit.OtherFiles.Where(file => !configuration.Replaces(file)))
        {
            var target = Path.Combine(folder.WritePath, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            FileCopy.Copy(Path.Combine(unit.Root, file), target, request.Force, request.Progress, cancellation);
        }

        WriteConfiguration(folder.WritePath, configuration);
        journal?.Digest(folder.WritePath, Results(configuration), cancellation);
        folder.Commit();
        journal?.Finish();
    }

    /// <summary>The files that a new directory has, relative to it.</summary>
    private IEnumerable<string> Results(ConfigurationRewrite configuration) =>
    [
        .. unit.Checkpoints.Select(request.ResultName),
        .. unit.OtherFiles.Where(file => !configuration.Replaces(file)),
        .. configuration.Files.Where(file => file.Content is not null).Select(file => file.Name),
    ];

    private void WriteConfiguration(string folder, ConfigurationRewrite configuration)
    {
        foreach (var change in configuration.Files)
        {
            var path = Path.Combine(folder, change.Name);
            if (change.Content is { } content)
            {
                using var file = DurableFile.Create(path, replace: true);
                Posix.Write(file.Handle, content.Span, 0);
                file.Commit(backup: File.Exists(path) ? CheckpointWriting.Backup(path, request) : null);
            }
            else if (request.InPlace)
            {
                File.Delete(path);
            }
        }
    }
}
