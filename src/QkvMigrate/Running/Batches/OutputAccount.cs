using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The account of an output: all records that runs leave in its folder <c>.qkvmigrate</c>. <c>tree.json</c> (a
/// <see cref="TreeRecord"/>) names the source, the direction and the units. <c>manifest/</c> has a <see cref="ManifestEntry"/> for
/// each unit that was written: from it the next run knows what is finished and which files are results. <c>reports/</c> has a
/// <see cref="UnitReportRecord"/> for each unit. Only the run that has a unit's turn writes the unit's records.
/// <c>SHA256SUMS</c> stands beside the folder.
/// </summary>
internal sealed class OutputAccount
{
    private readonly string root;
    private readonly string treePath;

    /// <summary>The account of the output <paramref name="root"/>, which need not be there yet.</summary>
    public OutputAccount(string root)
    {
        this.root = root;
        Folder = Path.Combine(root, RecordNames.Folder);
        treePath = Path.Combine(Folder, "tree.json");
        var manifest = Path.Combine(Folder, "manifest");
        Entries = new UnitDocuments<ManifestEntry>(manifest, manifest, RecordJson.Readable.ManifestEntry);
        Reports = new UnitDocuments<UnitReportRecord>(Path.Combine(Folder, "reports"), manifest, RecordJson.Readable.UnitReportRecord);
        Checksums = new ChecksumFile(root, Entries);
    }

    /// <summary>The account's folder.</summary>
    public string Folder { get; }

    /// <summary>The folders of its records.</summary>
    public IEnumerable<string> Folders => [Folder, Entries.Folder, Reports.Folder];

    /// <summary>The manifest: what each unit was made from, how, and what came out.</summary>
    public UnitDocuments<ManifestEntry> Entries { get; }

    /// <summary>What last became of each unit, also of those that the last batch did not ask for.</summary>
    public UnitDocuments<UnitReportRecord> Reports { get; }

    /// <summary>The checksums of all results.</summary>
    public ChecksumFile Checksums { get; }

    /// <summary>Whether there is one.</summary>
    public bool IsThere => FileIdentity.Of(treePath) is not null;

    /// <summary>The nearest directory at or above <paramref name="path"/> that is the output of a batch, or null.</summary>
    public static string? RootAbove(string path)
    {
        for (var directory = Path.GetFullPath(path); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (new OutputAccount(directory).IsThere)
            {
                return directory;
            }
        }

        return null;
    }

    /// <summary>Makes the folders and writes down what <paramref name="add"/> makes of what stands there, where that is anything else.</summary>
    /// <exception cref="MigrationException">The output is another's, or cannot be written.</exception>
    public void Begin(Func<TreeRecord?, TreeRecord> add)
    {
        var known = TryReadTree();
        var tree = Bytes(add(known));
        IoFailure.Naming(root, () =>
        {
            DurablePath.Create(Entries.Folder);
            DurablePath.Create(Reports.Folder);
        });

        if (known is null || !SourceFile.Holds(treePath, tree))
        {
            // Another run may have added its units in between.
            DurableFile.WriteShared(treePath, () => Bytes(add(TryReadTree())));
        }

        static byte[] Bytes(TreeRecord tree) => RecordDocument.Write(tree, RecordJson.Readable.TreeRecord);
    }

    /// <summary>Has the disk take the names of all records, writes the checksums, and removes what a killed run has left beside the account.</summary>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public void End()
    {
        IoFailure.Naming(root, () =>
        {
            DiskSync.FlushFolder(Entries.Folder);
            DiskSync.FlushFolder(Reports.Folder);
        });
        TargetLock.SweepLeftovers(treePath);
        Checksums.Write();
    }

    /// <summary>The record of the tree, or null where no batch wrote here.</summary>
    /// <exception cref="MigrationException">This version cannot read it.</exception>
    public TreeRecord? TryReadTree() => RecordDocument.Read(treePath, RecordJson.Readable.TreeRecord);

    /// <summary>The units of the batches that wrote here.</summary>
    /// <exception cref="MigrationException">No batch did.</exception>
    public TreeRecord ReadTree() =>
        TryReadTree()
        ?? throw new MigrationException(FailureKind.Io, $"no batch of qkvmigrate has written here: {RecordNames.Folder}/tree.json is missing", root);

    /// <summary>Takes a unit's turn: nobody else writes its output, its entry and its report until it is given back.</summary>
    /// <param name="unit">The unit's path below the root.</param>
    /// <param name="output">Its output, which a refusal names.</param>
    /// <exception cref="MigrationException">Another run has it, or the folder cannot be written.</exception>
    public TargetLock TakeTurn(string unit, string output)
    {
        try
        {
            return TargetLock.Acquire(Entries.TurnOf(unit));
        }
        catch (MigrationException error)
        {
            throw new MigrationException(error.Kind, error.Problem, output, inner: error);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, output);
        }
    }

    /// <summary>Takes a unit's turn; null where another run has it.</summary>
    public TargetLock? TryTakeTurn(string unit)
    {
        try
        {
            return TargetLock.Acquire(Entries.TurnOf(unit));
        }
        catch (MigrationException)
        {
            return null;
        }
    }

    /// <summary>Waits for the turn to do what runs do for a moment, one after the other.</summary>
    /// <param name="name">The name of it, that of no unit's records.</param>
    /// <exception cref="MigrationException">The folder cannot be written.</exception>
    public TargetLock WaitForTurn(string name) =>
        IoFailure.Naming(Folder, () => TargetLock.Acquire(Path.Combine(Folder, name), wait: true));

    /// <summary>Removes all records of a unit.</summary>
    public void Forget(string unit)
    {
        Entries.Remove(unit);
        Reports.Remove(unit);
    }

    /// <summary>Removes what a run left that was killed while it wrote a record of a unit.</summary>
    public void SweepLeftovers(string unit)
    {
        TargetLock.SweepLeftovers(Entries.FileOf(unit));
        TargetLock.SweepLeftovers(Reports.FileOf(unit));
    }
}
