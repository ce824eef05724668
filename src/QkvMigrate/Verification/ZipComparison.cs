using System.Globalization;
using System.Text;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the frames of two zips against each other: entries, their order, their headers, the records at the end. Entries that
/// are new stand behind all others; which of them is first is free. That entries cover the file without gaps, and that local headers agree with the directory, is checked on reading
/// (<see cref="ZipDirectory"/>); so a byte can stand nowhere but in an entry, a header, or the end records.
/// </summary>
internal static class ZipComparison
{
    private const string AlignmentRecord = "/.storage_alignment";

    /// <summary>Compares the zips; true where each entry of the first is found at its place in the second.</summary>
    /// <param name="original">The first zip.</param>
    /// <param name="upgraded">The second zip.</param>
    /// <param name="dropped">The names of entries that the second zip must not have.</param>
    /// <param name="added">Entries that it must have behind all others, by their names, each with one of the first zip's that it must be like.</param>
    /// <param name="source">The first file.</param>
    /// <param name="expected">The bytes that an entry of the second zip must have, or null for any: the pickle's.</param>
    /// <param name="log">Takes the differences.</param>
    public static bool Compare(
        ZipDirectory original,
        ZipDirectory upgraded,
        IReadOnlySet<string> dropped,
        IReadOnlyDictionary<string, ZipEntry> added,
        SourceFile source,
        Func<ZipEntry, long?> expected,
        DifferenceLog log)
    {
        var entries = Without(dropped, original.Entries);
        var extra = upgraded.Entries.Skip(entries.Count).Where(entry => added.ContainsKey(entry.Name)).Select(entry => entry.Name).ToList();
        var rawExtra = extra.ConvertAll<ReadOnlyMemory<byte>>(name => Encoding.UTF8.GetBytes(name));
        if (!SameNames("entries", [.. entries.Select(RawName), .. rawExtra], upgraded.Entries, log)
            || !SameNames("entries of the directory", [.. Without(dropped, original.Listed).Select(RawName), .. rawExtra], upgraded.Listed, log))
        {
            return false;
        }

        if (extra.Count != added.Count)
        {
            log.Add("zip directory", $"{extra.Count} storages behind the first file's, expected {added.Count}");
            return false;
        }

        var alignment = Alignment(original, source);
        var isWhole = true;
        foreach (var (before, after) in entries.Concat(extra.Select(name => added[name])).Zip(upgraded.Entries))
        {
            ZipHeaderComparison.Compare(before, after, alignment, log);
            if (expected(after) is { } size && size != after.Size)
            {
                log.Add(Place(after), $"{after.Size} bytes, expected {size}", after.DataOffset);
                isWhole = false;
            }
        }

        ZipEndComparison.Compare(original.End, upgraded.End, log);
        return isWhole;
    }

    /// <summary>The entries that must be left.</summary>
    public static IReadOnlyList<ZipEntry> Without(IReadOnlySet<string> dropped, IReadOnlyList<ZipEntry> entries) =>
        dropped.Count == 0 ? entries : [.. entries.Where(entry => !dropped.Contains(entry.Name))];

    /// <summary>How reports name an entry.</summary>
    public static string Place(ZipEntry entry) => ZipFailure.Place(entry.Name);

    private static bool SameNames(string what, IReadOnlyList<ReadOnlyMemory<byte>> expected, IReadOnlyList<ZipEntry> upgraded, DifferenceLog log)
    {
        // Byte by byte: as text, all that is no UTF-8 looks alike.
        var at = 0;
        while (at < expected.Count && at < upgraded.Count && expected[at].Span.SequenceEqual(RawName(upgraded[at]).Span))
        {
            at++;
        }

        if (at == expected.Count && at == upgraded.Count)
        {
            return true;
        }

        log.Add(
            "zip directory",
            $"{upgraded.Count} {what}, expected {expected.Count}; number {at} is {Quoted(at < upgraded.Count ? RawName(upgraded[at]) : null)}, expected "
            + $"{Quoted(at < expected.Count ? expected[at] : null)}",
            at < upgraded.Count ? upgraded[at].HeaderOffset : null);
        return false;
    }

    private static ReadOnlyMemory<byte> RawName(ZipEntry entry) => entry.CentralHeader[ZipFormat.CentralHeaderLength..entry.CentralNameEnd];

    private static string Quoted(ReadOnlyMemory<byte>? name) => name is { } bytes ? $"'{Encoding.UTF8.GetString(bytes.Span)}'" : "missing";

    /// <summary>The alignment that a file of PyTorch 2.7 and later names; before, it was always 64 (torch/serialization.py, <c>_save</c>).</summary>
    private static int Alignment(ZipDirectory zip, SourceFile source)
    {
        var record = zip.Entries.FirstOrDefault(entry => entry.Name.EndsWith(AlignmentRecord, StringComparison.Ordinal));
        return record is { Size: > 0 and <= 5 }
            && int.TryParse(source.Read(record.DataOffset, (int)record.Size), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value is >= 1 and <= 1 << 15
                ? value
                : ZipFormat.Alignment;
    }
}
