using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The account of what an output holds, in its folder <c>.qkvmigrate</c>: <c>tree.json</c>, of which source, in which direction
/// and of which units; <c>manifest/</c>, a file for each unit that was written, by which the next run knows what is
/// finished, and which files are results; <c>reports/</c>, a file for each unit with what last became of it. Each unit has
/// files of its own, so that jobs and shards never share one, and only who has the unit's turn writes them. Beside the
/// folder stands <c>SHA256SUMS</c>.
/// </summary>
internal sealed class OutputRecord
{
    private readonly string root;

    /// <summary>The record of the output <paramref name="root"/>, which need not be there yet.</summary>
    public OutputRecord(string root) => this.root = root;

    /// <summary>The nearest directory at or above <paramref name="path"/> that is the output of a batch, or null.</summary>
    public static string? RootAbove(string path)
    {
        for (var directory = Path.GetFullPath(path); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (new OutputRecord(directory).IsThere)
            {
                return directory;
            }
        }

        return null;
    }

    /// <summary>The folders of the record's files.</summary>
    public IEnumerable<string> Folders => [Path.Combine(root, RecordNames.Folder), Manifest, Reports];

    private string TreePath => Path.Combine(root, RecordNames.Folder, "tree.json");

    private string Manifest => Path.Combine(root, RecordNames.Folder, "manifest");

    private string Reports => Path.Combine(root, RecordNames.Folder, "reports");

    /// <summary>Where the checksums are.</summary>
    public string Checksums => Path.Combine(root, RecordNames.Checksums);

    /// <summary>Whether there is one.</summary>
    public bool IsThere => FileIdentity.Of(TreePath) is not null;

    /// <summary>Makes the folders and writes down what <paramref name="add"/> makes of what stands there, where that is anything else.</summary>
    /// <exception cref="MigrationException">The output is another's, or cannot be written.</exception>
    public void Begin(Func<TreeRecord?, TreeRecord> add)
    {
        var known = TryReadTree();
        var tree = Bytes(add(known));
        try
        {
            Directory.CreateDirectory(Manifest);
            Directory.CreateDirectory(Reports);
            Posix.FlushFolder(root);
            Posix.FlushFolder(Path.Combine(root, RecordNames.Folder));
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, root);
        }

        if (known is null || !SourceFile.Holds(TreePath, tree))
        {
            // Another run may have added its units in between.
            DurableFile.WriteShared(TreePath, () => Bytes(add(TryReadTree())));
        }

        static byte[] Bytes(TreeRecord tree) => RecordDocument.Write(tree, RecordJson.Readable.TreeRecord);
    }

    /// <summary>Takes a unit's turn: nobody else writes its output, its entry and its report until it is given back.</summary>
    /// <param name="unit">The unit's path below the root.</param>
    /// <param name="output">Its output, which a refusal names.</param>
    /// <exception cref="MigrationException">Another run has it, or the folder cannot be written.</exception>
    public TargetLock TakeTurn(string unit, string output)
    {
        try
        {
            return TargetLock.Acquire(Path.Combine(Manifest, Path.GetFileNameWithoutExtension(FileName(unit))));
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

    /// <summary>The account as a whole, or null where no batch wrote here.</summary>
    /// <exception cref="MigrationException">It is none that this version can read.</exception>
    public TreeRecord? TryReadTree() => RecordDocument.Read(TreePath, RecordJson.Readable.TreeRecord);

    /// <summary>The units of the batches that wrote here.</summary>
    /// <exception cref="MigrationException">No batch did.</exception>
    public TreeRecord ReadTree() =>
        TryReadTree()
        ?? throw new MigrationException(FailureKind.Io, $"no batch of qkvmigrate has written here: {RecordNames.Folder}/tree.json is missing", root);

    /// <summary>The manifest's entry of a unit, or null.</summary>
    /// <param name="unit">The unit's path below the root.</param>
    /// <exception cref="MigrationException">The entry is none that this version wrote.</exception>
    public ManifestEntry? ReadEntry(string unit) => ReadEntryIn(EntryPath(unit));

    /// <summary>Writes a unit's entry, durably.</summary>
    public void WriteEntry(ManifestEntry entry) =>
        DurableFile.WriteShared(EntryPath(entry.Path), RecordDocument.Write(entry, RecordJson.Readable.ManifestEntry));

    /// <summary>Takes a unit's entry away.</summary>
    public void RemoveEntry(string unit) => File.Delete(EntryPath(unit));

    /// <summary>Whether a unit has an entry.</summary>
    public bool HasEntry(string unit) => File.Exists(EntryPath(unit));

    /// <summary>The entries of all units.</summary>
    /// <exception cref="MigrationException">One is none that this version can read.</exception>
    public IEnumerable<ManifestEntry> ReadEntries() => Documents(Manifest).Select(ReadEntryIn).OfType<ManifestEntry>();

    /// <summary>Takes away all that is known of a unit.</summary>
    public void Forget(string unit)
    {
        RemoveEntry(unit);
        File.Delete(ReportPath(unit));
    }

    /// <summary>Takes the checksums away, before a result is replaced: until all are written anew there is no list rather than a false one.</summary>
    public void WithdrawChecksums() => File.Delete(Checksums);

    /// <summary>A unit's report, or null.</summary>
    /// <param name="unit">The unit's path below the root.</param>
    /// <exception cref="MigrationException">The report is none that this version wrote.</exception>
    public UnitRecord? ReadReport(string unit) => ReadReportIn(ReportPath(unit));

    /// <summary>Takes away what a run that was killed while it wrote a unit's entry or report has left.</summary>
    public void SweepLeftovers(string unit)
    {
        TargetLock.SweepLeftovers(EntryPath(unit));
        TargetLock.SweepLeftovers(ReportPath(unit));
    }

    /// <summary>Writes a unit's report.</summary>
    public void WriteReport(UnitRecord report) =>
        DurableFile.WriteShared(ReportPath(report.Path), RecordDocument.Write(report, RecordJson.Readable.UnitRecord));

    /// <summary>All reports that are there, also of units that the last batch did not ask for.</summary>
    public IEnumerable<UnitRecord> ReadReports() =>
        Documents(Reports).Select(ReadReportIn).OfType<UnitRecord>();

    /// <summary>
    /// Writes <c>SHA256SUMS</c> from the manifest. Several shards may do so at once, each knowing of other units: whoever
    /// has written looks at the manifest again, so that the last one's file has every entry.
    /// </summary>
    public void WriteChecksums()
    {
        var path = Checksums;
        TargetLock.SweepLeftovers(path);
        TargetLock.SweepLeftovers(TreePath);
        for (byte[]? written = null; ;)
        {
            var lines = Encoding.UTF8.GetBytes(ChecksumLines.Of(Documents(Manifest).Select(ReadUsable).OfType<ManifestEntry>()));
            if (lines.AsSpan().SequenceEqual(written))
            {
                return;
            }

            if (lines.Length > 0)
            {
                Replace(path, lines);
            }
            else
            {
                WithdrawChecksums();
            }

            written = lines;
        }
    }

    /// <summary>An entry that is none is told where its unit has its turn.</summary>
    private static ManifestEntry? ReadUsable(string file)
    {
        try
        {
            return ReadEntryIn(file);
        }
        catch (MigrationException error) when (error.Kind is FailureKind.Malformed or FailureKind.Unsupported)
        {
            return null;
        }
    }

    private static ManifestEntry? ReadEntryIn(string file) => UnderItsName(file, RecordDocument.Read(file, RecordJson.Readable.ManifestEntry), entry => entry.Path);

    private static UnitRecord? ReadReportIn(string file) => UnderItsName(file, RecordDocument.Read(file, RecordJson.Readable.UnitRecord), report => report.Path);

    /// <summary>Refuses a document whose file bears another unit's name: two could be of one unit.</summary>
    private static T? UnderItsName<T>(string file, T? document, Func<T, string> unit)
        where T : class =>
        document is null || Path.GetFileName(file) == FileName(unit(document))
            ? document
            : throw RecordDocument.NoRecord(file, $"it is that of '{unit(document)}', which has another name");

    /// <summary>The files of a record's folder; none where it is not there.</summary>
    /// <exception cref="MigrationException">The folder cannot be read.</exception>
    private static IReadOnlyList<string> Documents(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*.json").Where(file => !TemporaryName.Is(Path.GetFileName(file)))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw new MigrationException(FailureKind.Io, error.Message, folder, inner: error);
        }
    }

    /// <summary>Leaves a file alone that has the content already, so that a run that does nothing touches nothing.</summary>
    private static void Replace(string path, byte[] content)
    {
        if (FileIdentity.Of(path) is null || !SourceFile.Holds(path, content))
        {
            DurableFile.WriteShared(path, content);
        }
    }

    private string EntryPath(string unit) => Path.Combine(Manifest, FileName(unit));

    private string ReportPath(string unit) => Path.Combine(Reports, FileName(unit));

    /// <summary>Paths can be longer than a file's name may be, and one path can be another's beginning: a digest has neither trouble.</summary>
    private static string FileName(string unit) => $"{FileDigest.Of(Encoding.UTF8.GetBytes(unit))[..32]}.json";
}
