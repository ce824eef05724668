using System.Collections.ObjectModel;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Folders;
using QkvMigrate.Running.Exports;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Trees;
using IoPath = System.IO.Path;

namespace QkvMigrate.Running.Batches;

/// <summary>The work on one path that a user named: a checkpoint file, a directory with checkpoints, or a tree of such directories.</summary>
internal sealed class PathWork
{
    private readonly MigrationRequest request;
    private readonly RecordedTree? recorded;
    private readonly CheckpointSelection selection = CheckpointSelection.All;
    private readonly bool isTree;
    private PartsAccount? parts;

    private PathWork(MigrationRequest request, string output, CheckpointTree found, CheckpointSelection selection)
    {
        this.request = request;
        this.selection = selection;
        isTree = true;
        Folders = found.Folders;
        Checkpoints = found.Units.SelectMany(unit => unit.Checkpoints.Select(name => IoPath.Combine(unit.Root, name)));
        Source = FilePlace.Of(request.Path);
        if (request.InPlace)
        {
            // The files themselves say which of them are done.
            Written = WrittenFolders.InPlace(request.Path, found.Units);
            Units = UnitsOf(found, unit => unit.Root);
            return;
        }

        Output = FilePlace.Of(Fit(output));
        var account = new OutputAccount(output);
        if (found.HasBranches || account.IsThere)
        {
            recorded = new RecordedTree(account, output, found, selection, request);
            Written = WrittenFolders.Below(output, recorded.Found).Union(recorded.Folders, StringComparer.Ordinal);
            Units = recorded.Units;
            return;
        }

        // A directory that is itself the unit gets its name when all of it is there: that is record enough.
        Written = WrittenFolders.Below(output, found.Units);
        Units = UnitsOf(found, unit => IoPath.TrimEndingDirectorySeparator(IoPath.Combine(output, unit.RelativePath)));
    }

    private PathWork(MigrationRequest request)
    {
        this.request = request;
        Checkpoints = [request.Path];
        Source = FilePlace.Of(request.Path);
        var output = request.Export is null ? FileMigration.OutputOf(request) : ModelExport.OutputOf(request);
        Written = WrittenFolders.Of(output);
        var bytes = FileIdentity.Of(request.Path)?.Size ?? 0;
        var unit = new BatchUnit(
            request.Path,
            bytes,
            cancellation => request.Export is null ? [FileMigration.Run(request, cancellation)] : ModelExport.OfFile(request, cancellation));
        if (request.InPlace)
        {
            // Its size changes under the parts that are dealt by it.
            Units = [unit with { Weight = 1 }];
            return;
        }

        Units = [unit];
        Output = FilePlace.OfName(Fit(output));
        Target = FilePlace.Of(output);
    }

    /// <summary>The path, as the user named it.</summary>
    public string Path => request.Path;

    /// <summary>Whether files are replaced and not written anew.</summary>
    public bool IsInPlace => request.InPlace;

    /// <summary>Whether anything is written.</summary>
    public bool IsWriting => !request.DryRun;

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

    /// <summary>The folders in which a run that was killed may have left something.</summary>
    public IEnumerable<string> Written { get; }

    /// <summary>What interrupted runs had left, and was recovered before the search: advice by path.</summary>
    public IReadOnlyDictionary<string, Advice> Recovered { get; private init; } = ReadOnlyDictionary<string, Advice>.Empty;

    /// <summary>The units, in an order that depends on their paths alone.</summary>
    public IReadOnlyList<BatchUnit> Units { get; }

    /// <summary>Whether its units are dealt by an account of its own, and not together with those of other paths.</summary>
    public bool DealsItself => request.InPlace && isTree;

    /// <summary>Finds what there is to do.</summary>
    /// <exception cref="MigrationException">The path as a whole is of no use, or the request makes no sense.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public static PathWork Find(MigrationRequest request, CheckpointSelection selection, CancellationToken cancellation)
    {
        Check(request);
        var recovered = request is { InPlace: true, DryRun: false } ? Recovery.Before(request, cancellation) : ReadOnlyDictionary<string, Advice>.Empty;
        if (!Directory.Exists(request.Path))
        {
            return new PathWork(request) { Recovered = recovered };
        }

        var found = CheckpointTree.Find(request.Path, selection, cancellation);
        var output = request.Output ?? $"{IoPath.TrimEndingDirectorySeparator(IoPath.GetFullPath(request.Path))}{request.Suffix}";
        var work = new PathWork(request, output, found, selection) { Recovered = recovered };
        if (work.Output is { } place && place.IsWithin(found.Folders))
        {
            throw new MigrationException(FailureKind.Target, "the output lies within the source", output);
        }

        if (work.Output is { } above && work.Source.IsWithin(above))
        {
            throw new MigrationException(FailureKind.Target, "the source lies within the output", output);
        }

        return work;
    }

    /// <summary>The units of one part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="isOneOfMany">Whether other paths are dealt by accounts of their own too.</param>
    /// <exception cref="MigrationException">The account of the parts cannot be read or written.</exception>
    public IEnumerable<BatchUnit> Deal(WorkPart part, bool isOneOfMany)
    {
        parts = new PartsAccount(request, selection, part, isOneOfMany);
        var own = parts.Deal([.. Units.Select(unit => new TreeUnit(Relative(unit), unit.Bytes))]);
        return Units.Where(unit => own.Contains(Relative(unit)));
    }

    /// <summary>Called after the last unit of a part. Reports the units that parts whose turn is over have not done.</summary>
    /// <param name="done">Its units that were done.</param>
    /// <param name="isWhole">Whether all of them had their turn.</param>
    /// <exception cref="MigrationException">The account of the parts cannot be read or written.</exception>
    public IReadOnlyList<CheckpointReport> EndPart(IEnumerable<BatchUnit> done, bool isWhole)
    {
        var left = parts?.End(done.Select(Relative).ToHashSet(StringComparer.Ordinal), isWhole) ?? [];
        return [.. left.Select(unit => NotDone(IoPath.Combine(request.Path, unit.Path), unit.Part))];
    }

    /// <summary>Called before the first unit.</summary>
    /// <exception cref="MigrationException">The output is another's, or cannot be written.</exception>
    public void Begin(CancellationToken cancellation) => recorded?.Begin(cancellation);

    /// <summary>Called after the last: reports of results whose source is gone as a whole.</summary>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public IReadOnlyList<CheckpointReport> End(CancellationToken cancellation) => request.DryRun ? [] : recorded?.End(cancellation) ?? [];

    /// <summary>A name that the system has for a new file or folder, as the user gave it: in full it may be another one.</summary>
    private static string Fit(string output) =>
        HostSystem.Current.WhyNoName(output) is { } problem ? throw new MigrationException(FailureKind.Target, problem, output) : output;

    private static void Check(MigrationRequest request)
    {
        if (request is { IsMerge: true, InPlace: true } or { IsMerge: true, Conversion.IsUpgrade: false })
        {
            throw new MigrationException(FailureKind.Usage, "a LoRA is merged by an upgrade, into a new file");
        }

        InPlacePair.CheckName(IoPath.TrimEndingDirectorySeparator(request.Path));
        if (TemporaryName.Is(IoPath.GetFileName(IoPath.TrimEndingDirectorySeparator(request.Path))))
        {
            throw new MigrationException(
                FailureKind.Target,
                "a run of qkvmigrate writes this, or has left it, and the next takes it away; give it another name to work on it",
                request.Path);
        }

        if (request is { InPlace: true, Force: false } && OutputAccount.RootAbove(request.Path) is { } account)
        {
            var records = $"{account}, whose record and {RecordNames.Checksums} would not be true any more";
            throw new MigrationException(
                FailureKind.Target,
                $"this is a result in {records}; -o puts the result elsewhere, --force goes on all the same",
                request.Path);
        }
    }

    private static CheckpointReport NotDone(string path, int part) =>
        CheckpointReport.Of(path, new MigrationException(FailureKind.Conflict, $"part {part} has not done this; run that part again", path));

    private List<BatchUnit> UnitsOf(CheckpointTree found, Func<CheckpointUnit, string> outputOf) =>
    [
        .. found.Units.Select(unit => new BatchUnit(unit.Root, unit.CountBytes(), cancellation => Run(unit, outputOf(unit), cancellation))),
        .. found.Unreadable.Select(folder => new BatchUnit(folder.Path, 0, _ => [CheckpointReport.Of(folder.Path, folder.Error)])),
    ];

    private IReadOnlyList<CheckpointReport> Run(CheckpointUnit unit, string output, CancellationToken cancellation) => request.Export is null
        ? DirectoryMigration.Run(unit, output, request, null, cancellation)
        : new ModelExport(ExportUnit.Of(unit), output, request, null, cancellation).Run();

    private string Relative(BatchUnit unit) => RecordedPath.Below(request.Path, unit.Path);
}
