using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>New contents of a zip entry.</summary>
/// <param name="Length">Bytes of the entry.</param>
/// <param name="Crc">Its CRC-32, or null where the bytes are known only when they are written.</param>
/// <param name="LayDown">Lays the bytes down.</param>
internal sealed record ZipContent(long Length, uint? Crc, Action<FileLayoutBuilder> LayDown);

/// <summary>
/// Lays a zip down again with other contents for some entries. Entries keep their order, their names and every field
/// that need not change.
/// </summary>
internal sealed class ZipRewriter
{
    private readonly ZipDirectory directory;
    private readonly IReadOnlyDictionary<ZipEntry, ZipContent> contents;
    private readonly int alignment;
    private readonly FileLayoutBuilder builder = new();
    private readonly Dictionary<ZipEntry, PlacedEntry> placed = [];
    private long growth;

    private ZipRewriter(ZipDirectory directory, IReadOnlyDictionary<ZipEntry, ZipContent> contents, int alignment)
    {
        this.directory = directory;
        this.contents = contents;
        this.alignment = alignment;
    }

    /// <summary>The new file.</summary>
    /// <param name="directory">The source.</param>
    /// <param name="contents">The entries that change.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    public static FileLayout Rewrite(ZipDirectory directory, IReadOnlyDictionary<ZipEntry, ZipContent> contents, int alignment) =>
        new ZipRewriter(directory, contents, alignment).Rewrite();

    private FileLayout Rewrite()
    {
        foreach (var entry in directory.Entries)
        {
            Place(entry);
        }

        var start = builder.Position;
        foreach (var entry in directory.Listed)
        {
            Central(entry, placed[entry]);
        }

        builder.Literal(directory.End.Moved(start, builder.Position - start));
        return builder.Build();
    }

    private void Place(ZipEntry entry)
    {
        var offset = builder.Position;
        var content = contents.GetValueOrDefault(entry);
        var size = content?.Length ?? entry.Size;
        var crc = content is null ? entry.Crc : content.Crc ?? 0;
        var header = ZipHeaders.Local(entry, offset, size, crc, growth, alignment);
        growth = size - entry.Size;
        if (content is null)
        {
            placed[entry] = new PlacedEntry(offset, size, crc, -1);
            if (header.AsSpan().SequenceEqual(entry.LocalHeader.Span))
            {
                builder.Copy(entry.HeaderOffset, entry.End - entry.HeaderOffset);
                return;
            }

            builder.Literal(header);
            builder.Copy(entry.DataOffset, entry.Size);
            builder.Literal(ZipHeaders.Descriptor(entry, offset, size, crc));
            return;
        }

        builder.Literal(header);
        var checksum = content.Crc is null ? builder.BeginChecksum() : -1;
        content.LayDown(builder);
        builder.EndChecksum();
        placed[entry] = new PlacedEntry(offset, size, crc, checksum);
        var descriptor = ZipHeaders.Descriptor(entry, offset, size, crc);
        if (checksum >= 0)
        {
            if (ZipHeaders.CarriesChecksum(entry))
            {
                builder.Patch(checksum, offset + ZipFormat.LocalCrc);
            }

            if (descriptor.Length > 0)
            {
                builder.Patch(checksum, builder.Position + ZipHeaders.DescriptorCrc(descriptor.Length));
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

        builder.Literal(ZipHeaders.Central(entry, place.Offset, place.Size, place.Crc));
    }

    /// <summary>Where an entry came to stand; its checksum is known, or counted while it is written.</summary>
    private readonly record struct PlacedEntry(long Offset, long Size, uint Crc, int Checksum);
}
