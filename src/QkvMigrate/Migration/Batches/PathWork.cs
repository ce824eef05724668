using QkvMigrate.Checkpoints;
using QkvMigrate.Folders;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration.Batches;

/// <summary>The work on one path that a user named: a checkpoint file, a directory with checkpoints, or a tree of such directories.</summary>
internal sealed class PathWork
{
    private readonly MigrationRequest request;
    private readonly string root;
    private readonly OutputRecord? record;
    private readonly TreeRecord? tree;
    private readonly HashSet<string> folders = [];

    private PathWork(MigrationRequest request, string root, CheckpointTree found)
    {
        this.request = request;
        this.root = root;
        Folders = found.Folders;
        Checkpoints = found.Units.SelectMany(unit => unit.Checkpoints.Select(name => System.IO.Path.Combine(unit.Root, name)));
        Source = FilePlace.Of(request.Path);
        Output = request.InPlace ? null : FilePlace.Of(root);

        // A directory that is itself the unit gets its name when all of it is there: that is record enough. In place,
        // the files themselves say which of them are done.
        record = found.HasBranches && !request.InPlace ? new OutputRecord(root) : null;
        IReadOnlyList<CheckpointUnit> units = record is null ? found.Units : [.. found.Units.Select(WithoutChecksums)];
        folders = Written(units).ToHashSet(StringComparer.Ordinal);
        Units = [.. units.Select(Unit), .. found.Unreadable.Select(Failure)];
        tree = new TreeRecord(RecordDocument.SchemaVersion, request.Path, [.. Units.Select(unit => new TreeUnit(Relative(unit.Path), unit.Bytes))]);
    }

    private PathWork(MigrationRequest request, BatchUnit file)
    {
        this.request = request;
        root = "";
        Units = [file];
        Checkpoints = [request.Path];
        Source = FilePlace.Of(request.Path);
        Output = request.InPlace ? null : FilePlace.OfName(FileMigration.OutputOf(request));
        Target = request.InPlace ? null : FilePlace.Of(FileMigration.OutputOf(request));
    }

    /// <summary>The path, as the user named it.</summary>
    public string Path => request.Path;

    /// <summary>Whether files are replaced and not written anew.</summary>
    public bool IsInPlace => request.InPlace;

    /// <summary>Whether the output matters: a check looks at the sources alone.</summary>
    public bool HasOutput => !(request.DryRun && request.Force);

    /// <summary>The directories that were entered to find the units; none where the path is a file.</summary>
    public IReadOnlySet<FileKey> Folders { get; } = new HashSet<FileKey>();

    /// <summary>The checkpoint files that are worked on.</summary>
    public IEnumerable<string> Checkpoints { get; }

    /// <summary>Where the path leads.</summary>
    public FilePlace Source { get; }

    /// <summary>Where the output's name is; null in place.</summary>
    public FilePlace? Output { get; }

    /// <summary>The file to which the output's name leads, where the path is a file; null in place.</summary>
    public FilePlace? Target { get; }

    /// <summary>The units, in an order that depends on their paths alone.</summary>
    public IReadOnlyList<BatchUnit> Units { get; }

    /// <summary>Finds what there is to do.</summary>
    /// <exception cref="MigrationException">The path as a whole is of no use, or the request makes no sense.</exception>
    public static PathWork Find(MigrationRequest request, CheckpointSelection selection)
    {
        if (request is { IsMerge: true, InPlace: true } or { IsMerge: true, Direction: MigrationDirection.Downgrade })
        {
            throw new MigrationException(FailureKind.Usage, "a LoRA is merged by an upgrade, into a new file");
        }

        if (TemporaryName.Is(System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(request.Path))))
        {
            throw new MigrationException(FailureKind.Target, "a run of qkvmigrate writes this, or has left it, and the next takes it away; give it another name to work on it", request.Path);
        }

        if (!Directory.Exists(request.Path))
        {
            var bytes = FileIdentity.Of(request.Path)?.Size ?? 0;
            return new PathWork(request, new BatchUnit(request.Path, bytes, cancellation => [FileMigration.Run(request, cancellation)]));
        }

        var found = CheckpointTree.Find(request.Path, selection);
        var output = request.Output ?? $"{System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(request.Path))}{request.Suffix}";
        var work = new PathWork(request, output, found);
        return work.Output is not { } place ? work
            : place.IsWithin(found.Folders) ? throw new MigrationException(FailureKind.Target, "the output lies within the source", output)
            : work.Source.IsWithin(place) ? throw new MigrationException(FailureKind.Target, "the source lies within the output", output)
            : work;
    }

    /// <summary>Called before the first unit.</summary>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public void Begin()
    {
        if (!request.DryRun)
        {
            record?.Begin(tree!);
        }
    }

    /// <summary>Called after the last.</summary>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public void End()
    {
        if (!request.DryRun)
        {
            record?.WriteChecksums();

            // What is finished is not opened again, and what a killed run has left beside it would stay.
            foreach (var folder in folders)
            {
                TargetLock.SweepFolder(folder);
            }
        }
    }

    /// <summary>The folders in which a run may have been killed while it wrote.</summary>
    private IEnumerable<string> Written(IEnumerable<CheckpointUnit> units)
    {
        if (request.InPlace)
        {
            return units.SelectMany(unit => unit.Checkpoints.Select(file => System.IO.Path.GetDirectoryName(CheckpointWriting.FinalTarget(System.IO.Path.Combine(unit.Root, file)))!).Append(unit.Root));
        }

        var results = units.SelectMany(unit => unit.OtherFiles.Append("file").Select(file => System.IO.Path.GetDirectoryName(System.IO.Path.Combine(unit.RelativePath, file))!)).Distinct(StringComparer.Ordinal);
        return results.SelectMany(Above).Select(folder => System.IO.Path.Combine(root, folder))
            .Concat(record?.Folders ?? [])
            .Append(System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(root))) ?? root);
    }

    private static IEnumerable<string> Above(string folder)
    {
        for (; folder.Length > 0; folder = System.IO.Path.GetDirectoryName(folder)!)
        {
            yield return folder;
        }

        yield return "";
    }

    /// <summary>The checksums of the whole tree have this name, and those of old files would not be true of new ones.</summary>
    private static CheckpointUnit WithoutChecksums(CheckpointUnit unit) =>
        unit.RelativePath.Length > 0 || !unit.OtherFiles.Contains(RecordNames.Checksums) ? unit : unit with
        {
            OtherFiles = [.. unit.OtherFiles.Where(file => file != RecordNames.Checksums)],
            LeftBehind = [.. unit.LeftBehind, new Advice("checksums-replaced", $"the source's own {RecordNames.Checksums} stays behind: in the output it is that of the new files")],
        };

    private BatchUnit Unit(CheckpointUnit unit) => new(unit.Root, unit.CountBytes(), cancellation =>
    {
        var output = request.InPlace ? unit.Root : System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.Combine(root, unit.RelativePath));
        return record is null ? DirectoryMigration.Run(unit, output, request, null, cancellation) : RunRecorded(record, unit, output, cancellation);
    });

    private IReadOnlyList<CheckpointReport> RunRecorded(OutputRecord record, CheckpointUnit unit, string output, CancellationToken cancellation)
    {
        UnitJournal journal;
        try
        {
            journal = UnitJournal.Open(record, unit, output, request, cancellation);
            if (!request.Force && journal.IsFinished())
            {
                return Finished(record, unit, journal);
            }

            if (!request.Force)
            {
                journal.CheckOutputIsAsWritten(cancellation);
            }
        }
        catch (MigrationException error)
        {
            return Reported(record, unit.RelativePath, [.. unit.Checkpoints.Select(name => CheckpointReport.Of(System.IO.Path.Combine(unit.Root, name), error))]);
        }
        catch (OperationCanceledException)
        {
            return [];
        }

        var reports = DirectoryMigration.Run(unit, output, request with { Force = request.Force || journal.IsOwnOutput }, journal, cancellation);
        journal.End();
        return Reported(record, unit.RelativePath, [.. reports.Select(journal.WithDigest)]);
    }

    /// <summary>A unit that is finished keeps the report of its making; where a run was killed before it wrote that, it gets one.</summary>
    private IReadOnlyList<CheckpointReport> Finished(OutputRecord record, CheckpointUnit unit, UnitJournal journal)
    {
        if (request.DryRun)
        {
            return journal.Finished();
        }

        record.SweepLeftovers(unit.RelativePath);
        var isTold = record.ReadReport(unit.RelativePath)?.Checkpoints.All(checkpoint => checkpoint.Error is null) == true;
        return isTold ? journal.Finished() : Reported(record, unit.RelativePath, journal.Finished());
    }

    private BatchUnit Failure(MigrationException error) => new(error.File!, 0, _ =>
    {
        IReadOnlyList<CheckpointReport> reports = [CheckpointReport.Of(error.File!, error)];
        return record is null ? reports : Reported(record, Relative(error.File!), reports);
    });

    private IReadOnlyList<CheckpointReport> Reported(OutputRecord record, string unit, IReadOnlyList<CheckpointReport> reports)
    {
        if (!request.DryRun)
        {
            record.WriteReport(UnitRecord.Of(unit, reports));
        }

        return reports;
    }

    private string Relative(string path)
    {
        var relative = System.IO.Path.GetRelativePath(request.Path, path);
        return relative == "." ? "" : relative;
    }
}
