using QkvMigrate.Files;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Running.Batches;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Brings a planned directory to the disk: checkpoints, configuration, and the other files, which come along.</summary>
/// <param name="plan">The plan.</param>
/// <param name="journal">Records how far the writing is, where the directory is part of a tree; null otherwise.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class DirectoryWriting(DirectoryPlan plan, UnitJournal? journal, CancellationToken cancellation)
{
    private readonly MigrationRequest request = plan.Request;
    private readonly List<CheckpointStage> finished = [];

    /// <summary>
    /// The checkpoints that are done, in order: written, or planned and without need of it. In place, they stay done where a
    /// later one fails; a new directory has all of its own at once.
    /// </summary>
    public IReadOnlyList<CheckpointStage> Finished => finished;

    /// <summary>Writes all. A new directory gets its name when everything in it is on the disk.</summary>
    /// <exception cref="MigrationException">The system does not allow it, or the work was cancelled.</exception>
    public void Run()
    {
        try
        {
            if (request.InPlace)
            {
                ReplaceAll();
            }
            else
            {
                WriteNew();
            }
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, plan.Output);
        }
        catch (OperationCanceledException error)
        {
            throw CheckpointWriting.Cancelled(plan.Output, error);
        }
    }

    /// <summary>The configuration comes first: if the machine stops in between, the checkpoint is still legacy, and a second run does the rest.</summary>
    private void ReplaceAll()
    {
        WriteConfiguration(folder: null);
        foreach (var checkpoint in plan.Checkpoints)
        {
            finished.Add(checkpoint.Plan.Rewrite is { } rewrite
                ? CheckpointWriting.Write(checkpoint, rewrite, checkpoint.Path, folder: null, request, cancellation)
                : checkpoint);
        }
    }

    private void WriteNew()
    {
        if (journal is { NeedsFolder: true })
        {
            DurablePath.Create(plan.Output);
        }

        using var folder = DurableFolder.Create(plan.Output, request.Force || journal is not null);
        journal?.Begin();
        folder.Fill(() => Fill(folder));
    }

    private void Fill(DurableFolder folder)
    {
        var written = new List<CheckpointStage>();
        foreach (var checkpoint in plan.Checkpoints)
        {
            var target = Path.Combine(folder.WritePath, request.ResultName(checkpoint.Path));
            if (checkpoint.Plan.Rewrite is { } rewrite)
            {
                written.Add(CheckpointWriting.Write(checkpoint, rewrite, target, folder, request, cancellation));
            }
            else
            {
                Copy(checkpoint.Path, target, folder);
                written.Add(checkpoint);
            }
        }

        foreach (var file in plan.KeptFiles)
        {
            var target = Path.Combine(folder.WritePath, file);
            CreateAbove(target, folder);
            Copy(Path.Combine(plan.Unit.Root, file), target, folder);
        }

        foreach (var link in plan.KeptLinks)
        {
            var target = Path.Combine(folder.WritePath, link.Path);
            CreateAbove(target, folder);
            LinkCopy.Write(target, link.Text, request.Force);
        }

        WriteConfiguration(folder);
        journal?.Digest(folder, plan.Results, plan.KeptLinks, plan.Sources, Digests(written), cancellation);
        folder.Commit(meanwhile: () => journal?.PrepareFinish(plan.Reports(written)));
        journal?.Finish();
        finished.AddRange(written);
    }

    private static Dictionary<string, string> Digests(IEnumerable<CheckpointStage> written) =>
        written.OfType<WrittenCheckpoint>()
            .Where(checkpoint => checkpoint.Digests is not null)
            .ToDictionary(checkpoint => Path.GetFileName(checkpoint.Output), checkpoint => checkpoint.Digests!.Output, StringComparer.Ordinal);

    private static void CreateAbove(string target, DurableFolder folder)
    {
        if (FilePlace.DirectoryOf(target) is var above && above != folder.WritePath)
        {
            Directory.CreateDirectory(above);
        }
    }

    private void Copy(string source, string target, DurableFolder folder) =>
        FileCopy.IntoNewFolder(source, target, folder, request.Progress, cancellation);

    /// <summary>Writes it into a new folder, or in place of the old one.</summary>
    private void WriteConfiguration(DurableFolder? folder)
    {
        var directory = folder?.WritePath ?? plan.Unit.Root;
        foreach (var change in plan.Configuration.Files)
        {
            var path = Path.Combine(directory, change.Name);
            if (change.Content is { } content)
            {
                var target = request.InPlace ? ReplacedFile.FinalTarget(path) : path;
                using var file = folder?.CreateFile(target) ?? DurableFile.Create(target, replace: true);
                file.Write(stream => stream.Write(content.Span));
                ReplacedFile.Commit(file, target, request);
            }
            else if (request.InPlace && File.Exists(path))
            {
                Remove(path);
            }
        }
    }

    /// <summary>Removes a file that the new configuration replaces; where backups are asked for, it becomes one.</summary>
    private void Remove(string path)
    {
        if (ReplacedFile.BackupOf(path, request) is { } backup && !Path.Exists(backup))
        {
            ReplacedFile.Announce(path, backup);
            File.Move(path, backup);
        }
        else
        {
            File.Delete(path);
        }
    }
}
