using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Running.Exports;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>The units of a tree whose output has an account of them.</summary>
internal sealed class RecordedTree
{
    private readonly OutputAccount account;
    private readonly string root;
    private readonly MigrationRequest request;
    private readonly CheckpointSelection selection;
    private readonly TreeAccount treeAccount;
    private readonly Handover handover;
    private readonly TreeRecord tree;

    /// <summary>Prepares for a tree; nothing is read or written.</summary>
    /// <param name="account">The account of the output.</param>
    /// <param name="root">The output.</param>
    /// <param name="found">What was found of the tree.</param>
    /// <param name="selection">What the user selects of it.</param>
    /// <param name="request">What the user asks.</param>
    public RecordedTree(OutputAccount account, string root, CheckpointTree found, CheckpointSelection selection, MigrationRequest request)
    {
        this.account = account;
        this.root = root;
        this.request = request;
        this.selection = selection;
        treeAccount = new TreeAccount(account, found, request);
        handover = new Handover(account, found.AllUnits.Select(Wanted));
        Found = [.. found.Units.Select(Wanted)];
        var units = SideBySide.Select(Found, unit => (Unit: unit, Bytes: unit.CountBytes()));
        Units = [.. units.Select(item => ToBatchUnit(item.Unit, item.Bytes)), .. found.Unreadable.Select(Unreadable)];
        tree = new TreeRecord(
            RecordDocument.SchemaVersion,
            request.Path,
            [
                .. units.Select(item => new TreeUnit(item.Unit.RelativePath, item.Bytes, item.Unit.Checkpoints)),
                .. found.Unreadable.Select(folder => new TreeUnit(Below(folder.Path), 0)),
            ],
            SourceRoot.Of(request.Path),
            request.Conversion,
            request.Export is not null);
    }

    /// <summary>The units of the tree.</summary>
    public IReadOnlyList<CheckpointUnit> Found { get; }

    /// <summary>The same as work for a batch, and the folders that cannot be read.</summary>
    public IReadOnlyList<BatchUnit> Units { get; }

    /// <summary>The folders of the account.</summary>
    public IEnumerable<string> Folders => account.Folders;

    /// <summary>Adds the units to the account; a dry run only looks whether they may be added.</summary>
    /// <exception cref="MigrationException">The output is another's, or cannot be written.</exception>
    public void Begin(CancellationToken cancellation)
    {
        if (request.DryRun)
        {
            treeAccount.Add(account.TryReadTree(), tree, cancellation);
            if (account.IsThere)
            {
                handover.Foresee(treeAccount.Vanished());
            }
        }
        else
        {
            AddUnits(cancellation);
            handover.Run(treeAccount.Vanished());
        }
    }

    /// <summary>Called after the last unit: deals with those that the source no longer has, and writes the checksums.</summary>
    /// <returns>Reports of results whose source is gone.</returns>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public IReadOnlyList<CheckpointReport> End(CancellationToken cancellation)
    {
        var vanished = treeAccount.Vanished();
        List<CheckpointReport> reports = [.. vanished.SelectMany(unit => new VanishedUnit(account, root, unit, request).Run(selection, cancellation))];
        if (vanished.Any(unit => !account.Entries.Has(unit)))
        {
            AddUnits(cancellation);
        }

        SweepForgotten();
        account.End();
        return reports;
    }

    /// <summary>Takes away what a killed run has left of units that nobody knows any more: beside their folders, and in those that are there.</summary>
    private void SweepForgotten()
    {
        var outputs = treeAccount.Forgotten.Select(unit => Path.TrimEndingDirectorySeparator(Path.Combine(root, unit)));
        foreach (var folder in outputs.SelectMany(output => (string[])[FilePlace.DirectoryOf(output), output]).Distinct(StringComparer.Ordinal))
        {
            TargetLock.SweepFolder(folder);
        }
    }

    private void AddUnits(CancellationToken cancellation) => account.Begin(known => treeAccount.Add(known, tree, cancellation));

    private CheckpointUnit Wanted(CheckpointUnit unit) => request.Export is null ? WithoutChecksums(unit) : ExportUnit.Of(unit);

    /// <summary>The checksums of the whole tree have this name, and those of old files would not be true of new ones.</summary>
    private static CheckpointUnit WithoutChecksums(CheckpointUnit unit) =>
        unit.RelativePath.Length > 0 || !unit.OtherFiles.Contains(RecordNames.Checksums) ? unit : unit with
        {
            OtherFiles = [.. unit.OtherFiles.Where(file => file != RecordNames.Checksums)],
            LeftBehind = [.. unit.LeftBehind, new Advice("checksums-replaced", $"the source's own {RecordNames.Checksums} stays behind: in the output it is that of the new files")],
        };

    private BatchUnit ToBatchUnit(CheckpointUnit unit, long bytes)
    {
        var work = new UnitInTree(account, unit, Path.TrimEndingDirectorySeparator(Path.Combine(root, unit.RelativePath)), handover, request);
        return new BatchUnit(unit.Root, bytes, work.Run);
    }

    private BatchUnit Unreadable(UnreadableFolder folder) => new(folder.Path, 0, _ =>
    {
        IReadOnlyList<CheckpointReport> reports = [CheckpointReport.Of(folder.Path, folder.Error)];
        if (!request.DryRun)
        {
            account.Reports.WriteShared(UnitReportRecord.Of(Below(folder.Path), reports));
        }

        return reports;
    });

    private string Below(string path) => RecordedPath.Below(request.Path, path);
}
