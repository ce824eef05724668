using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The entries of a zip, checked against each other: they cover the file from its first byte to the central
/// directory, without gap or overlap, and each local header says what the directory says. The headers are held, and paid
/// for from a <see cref="DirectoryBudget"/>.
/// </summary>
internal sealed class ZipDirectory
{
    /// <summary>What is made of an entry besides its headers and its name: objects, and places in lists and dictionaries.</summary>
    private const int EntryBytes = 360;

    private ZipDirectory(
        SourceFile source, IReadOnlyList<ZipEntry> entries, IReadOnlyList<ZipEntry> listed, IReadOnlyDictionary<string, ZipEntry> byName, ZipEnd end)
    {
        Source = source;
        Entries = entries;
        Listed = listed;
        ByName = byName;
        End = end;
    }

    /// <summary>The file.</summary>
    public SourceFile Source { get; }

    /// <summary>The entries in the order of their bytes in the file.</summary>
    public IReadOnlyList<ZipEntry> Entries { get; }

    /// <summary>The entries in the order of the central directory.</summary>
    public IReadOnlyList<ZipEntry> Listed { get; }

    /// <summary>The entries by name.</summary>
    public IReadOnlyDictionary<string, ZipEntry> ByName { get; }

    /// <summary>The records behind the central directory.</summary>
    public ZipEnd End { get; }

    /// <summary>Reads the directory and every local header; no entry's bytes.</summary>
    /// <exception cref="MigrationException">The zip breaks a rule, or uses compression or encryption.</exception>
    public static ZipDirectory Read(SourceFile source)
    {
        var end = ZipEnd.Read(source);
        var budget = new DirectoryBudget(ZipFailure.DirectoryPlace, end.DirectorySize);
        var central = CentralHeaders(source.Read(end.DirectoryOffset, (int)end.DirectorySize), end, budget);

        // What is not the entries' bytes is their local headers', which are to be held as well.
        budget.Spend(central.Aggregate(end.DirectoryOffset, (rest, header) => rest - Math.Min(rest, header.Size)));
        var byPlace = central.OrderBy(header => header.HeaderOffset).ToList();
        var entries = new ZipEntry[byPlace.Count];
        var byName = new Dictionary<string, ZipEntry>(byPlace.Count);
        var expected = 0L;
        for (var i = 0; i < byPlace.Count; i++)
        {
            var header = byPlace[i];
            if (header.HeaderOffset != expected)
            {
                throw ZipFailure.At(header.Name, header.HeaderOffset, $"the local header is expected at byte {expected}, where the bytes before it end");
            }

            var next = i + 1 < byPlace.Count ? byPlace[i + 1].HeaderOffset : end.DirectoryOffset;
            var entry = ZipLocalHeader.Read(source, header, next);
            if (!byName.TryAdd(entry.Name, entry))
            {
                throw ZipFailure.At(entry.Name, entry.HeaderOffset, "two entries have this name");
            }

            entries[i] = entry;
            expected = entry.End;
        }

        if (expected != end.DirectoryOffset)
        {
            throw ZipFailure.Directory(end.DirectoryOffset, $"the directory is expected at byte {expected}, where the last entry ends");
        }

        return new ZipDirectory(source, entries, [.. central.Select(header => byName[header.Name])], byName, end);
    }

    private static List<ZipCentralHeader> CentralHeaders(ReadOnlyMemory<byte> directory, ZipEnd end, DirectoryBudget budget)
    {
        var headers = new List<ZipCentralHeader>();
        for (var at = 0; at < directory.Length;)
        {
            var header = ZipCentralHeader.Read(directory[at..], end.DirectoryOffset + at);
            budget.Spend(EntryBytes + DirectoryBudget.Name(header.Name.Length));
            headers.Add(header);
            at += header.Bytes.Length;
        }

        return headers.Count == end.Count
            ? headers
            : throw ZipFailure.Directory(end.DirectoryOffset, $"{headers.Count} entries are listed, the end record says {end.Count}");
    }
}
