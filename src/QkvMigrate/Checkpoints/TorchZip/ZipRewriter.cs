using QkvMigrate.FilePlans;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>New contents of a zip entry.</summary>
/// <param name="Length">Bytes of the entry.</param>
/// <param name="Crc">Its CRC-32, or null where the bytes are known only when they are written.</param>
/// <param name="LayDown">Lays the bytes down.</param>
internal sealed record ZipContent(long Length, uint? Crc, Action<FilePlanBuilder> LayDown)
{
    /// <summary>Whether they are the entry's own bytes, each once, in another order.</summary>
    public bool IsPermutation { get; init; }
}

/// <summary>
/// Lays a zip down again with other contents for some entries, without some, and with new ones. Entries keep their order,
/// their names and every field that need not change.
/// </summary>
internal sealed class ZipRewriter
{
    private readonly ZipDirectory directory;
    private readonly ZipChanges changes;
    private readonly int alignment;
    private readonly FilePlanBuilder builder = new();
    private readonly ZipHeaders headers = new();
    private readonly Dictionary<ZipEntry, PlacedEntry> placed;
    private long growth;

    private ZipRewriter(ZipDirectory directory, ZipChanges changes, int alignment)
    {
        this.directory = directory;
        this.changes = changes;
        this.alignment = alignment;
        placed = new(directory.Entries.Count, ReferenceEqualityComparer.Instance);
    }

    /// <summary>The new file.</summary>
    /// <param name="directory">The old zip.</param>
    /// <param name="changes">The entries that change, go and come.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    public static FilePlan Rewrite(ZipDirectory directory, ZipChanges changes, int alignment) =>
        new ZipRewriter(directory, changes, alignment).Rewrite();

    private FilePlan Rewrite()
    {
        foreach (var entry in Staying(directory.Entries))
        {
            Place(entry, changes.Contents.TryGetValue(entry, out var content) ? content : null);
        }

        foreach (var (entry, content) in changes.Added)
        {
            growth = 0;
            Place(entry, content);
        }

        var start = builder.Position;
        List<ZipEntry> listed = [.. Staying(directory.Listed), .. changes.Added.Select(added => added.Entry)];
        foreach (var entry in listed)
        {
            Central(entry, placed[entry]);
        }

        builder.Literal(directory.End.Moved(start, builder.Position - start, listed.Count));
        return builder.Build();
    }

    private IReadOnlyList<ZipEntry> Staying(IReadOnlyList<ZipEntry> entries) =>
        changes.Removed.Count == 0 ? entries : [.. entries.Where(entry => !changes.Removed.Contains(entry))];

    private void Place(ZipEntry entry, ZipContent? content)
    {
        var offset = builder.Position;
        var size = content?.Length ?? entry.Size;
        var crc = content is null ? entry.Crc : content.Crc ?? 0;
        var header = headers.Local(entry, offset, size, crc, growth, alignment);

        // Where entries are taken out, nothing behind them keeps its place, and there is no way back that needs a mark.
        growth = changes.Removed.Count > 0 ? 0 : size - entry.Size;
        if (content is null)
        {
            placed[entry] = new PlacedEntry(offset, size, crc, -1);
            if (header.AsSpan().SequenceEqual(entry.LocalHeader.Span))
            {
                builder.Copy(directory.Source, entry.HeaderOffset, entry.End - entry.HeaderOffset);
                return;
            }

            builder.Literal(header);
            builder.Copy(directory.Source, entry.DataOffset, entry.Size);
            builder.Literal(ZipDescriptors.Make(entry, offset, size, crc));
            return;
        }

        builder.Literal(header);
        var checksum = content.Crc is null ? builder.BeginChecksum() : -1;
        content.LayDown(builder);
        builder.EndChecksum();
        placed[entry] = new PlacedEntry(offset, size, crc, checksum);
        var descriptor = ZipDescriptors.Make(entry, offset, size, crc);
        if (checksum >= 0)
        {
            if (content.IsPermutation && entry.HasChecksum)
            {
                builder.Expect(new SourceChecksum(checksum, directory.Source, entry.Name, entry.DataOffset, entry.Size, entry.Crc));
            }

            if (ZipHeaders.CarriesChecksum(entry))
            {
                builder.Patch(checksum, offset + ZipFormat.LocalCrc);
            }

            if (descriptor.Length > 0)
            {
                builder.Patch(checksum, builder.Position + ZipDescriptors.ChecksumAt(descriptor.Length));
            }
        }

        builder.Literal(descriptor);
    }

    private void Central(ZipEntry entry, PlacedEntry place)
    {
        if (place.Checksum >= 0)
        {
            builder.Patch(place.Checksum, builder.Position + ZipFormat.CentralCrc);
        }

        builder.Literal(headers.Central(entry, place.Offset, place.Size, place.Crc));
    }

    /// <summary>Where an entry came to stand; its checksum is known, or counted while it is written.</summary>
    private readonly record struct PlacedEntry(long Offset, long Size, uint Crc, int Checksum);
}
