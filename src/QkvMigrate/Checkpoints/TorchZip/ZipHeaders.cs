using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// Writes the headers of an entry that moved or changed, from its old headers. Entries with PyTorch's padding get zip64
/// fields by the rule of its writer (miniz.c, <c>mz_zip_writer_add_mem_ex_v2</c>: sizes from 4 GiB − 1 on, the header's
/// offset from 4 GiB − 1 on, in the local header too); others keep the fields that they have.
/// </summary>
internal static class ZipHeaders
{
    /// <summary>The local header for the entry at <paramref name="offset"/>.</summary>
    /// <param name="entry">The entry as it was.</param>
    /// <param name="offset">Where the header comes to stand.</param>
    /// <param name="size">Bytes of the entry.</param>
    /// <param name="crc">Its CRC-32, or 0 where it is patched in later.</param>
    /// <param name="growth">By how many bytes the entry before has grown.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    public static byte[] Local(ZipEntry entry, long offset, long size, uint crc, long growth, int alignment)
    {
        var fields = LocalFields(entry);
        var extra = IsPadded(fields)
            ? PaddedExtra(entry, fields, offset, size, growth, alignment)
            : ZipExtra.Compose(WithNumbers(fields, EscapedSizes(entry), [.. Enumerable.Repeat(size, EscapedSizes(entry))]));
        byte[] header = [.. entry.LocalHeader.Span[..LocalNameEnd(entry)], .. extra];
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(ZipFormat.LocalExtraLength), checked((ushort)extra.Length));
        if (CarriesChecksum(entry))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCrc), crc);
            foreach (var field in (ReadOnlySpan<int>)[ZipFormat.LocalSize, ZipFormat.LocalCompressedSize])
            {
                if (IsPadded(fields) || Number(header, field) != ZipFormat.Escape32)
                {
                    WriteNarrow(header, field, IsPadded(fields) || size < ZipFormat.Escape32 ? size : throw TooLarge(entry, size));
                }
            }
        }

        return header;
    }

    /// <summary>Whether the local header gives checksum and sizes: it must without a descriptor, and some writers do with one.</summary>
    public static bool CarriesChecksum(ZipEntry entry) =>
        !HasDescriptor(entry)
        || Number(entry.LocalHeader, ZipFormat.LocalCrc) != 0
        || Number(entry.LocalHeader, ZipFormat.LocalSize) is not (0 or ZipFormat.Escape32);

    /// <summary>The data descriptor, empty where the entry has none.</summary>
    public static byte[] Descriptor(ZipEntry entry, long offset, long size, uint crc)
    {
        if (!HasDescriptor(entry))
        {
            return [];
        }

        // PyTorch's writer gives the descriptor wide sizes exactly where the local header has a zip64 field.
        var length = IsPadded(LocalFields(entry)) ? (IsWide(size) || IsWide(offset) ? 24 : 16) : entry.DescriptorLength;
        if (length is 12 or 16 && size > ZipFormat.Escape32)
        {
            throw TooLarge(entry, size);
        }

        var descriptor = new byte[length];
        if (length is 16 or 24)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor, ZipFormat.DescriptorSignature);
        }

        var at = DescriptorCrc(length);
        BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(at), crc);
        for (var number = 0; number < 2; number++)
        {
            if (length is 20 or 24)
            {
                BinaryPrimitives.WriteInt64LittleEndian(descriptor.AsSpan(at + 4 + (8 * number)), size);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(at + 4 + (4 * number)), (uint)size);
            }
        }

        return descriptor;
    }

    /// <summary>Where the checksum stands in a descriptor of <paramref name="length"/> bytes: behind a signature, if it has one.</summary>
    public static int DescriptorCrc(int length) => length is 16 or 24 ? 4 : 0;

    /// <summary>The header for the central directory.</summary>
    public static byte[] Central(ZipEntry entry, long offset, long size, uint crc)
    {
        var old = entry.CentralHeader;
        var nameEnd = ZipFormat.CentralHeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(old.Span[ZipFormat.CentralNameLength..]);
        var extraEnd = nameEnd + BinaryPrimitives.ReadUInt16LittleEndian(old.Span[ZipFormat.CentralExtraLength..]);
        var keepsEscapes = !IsPadded(LocalFields(entry));
        var fixedPart = old.Span[..nameEnd].ToArray();
        var had = 0;
        var numbers = new List<long>();
        foreach (var (field, value) in (ReadOnlySpan<(int, long)>)[(ZipFormat.CentralSize, size), (ZipFormat.CentralCompressedSize, size), (ZipFormat.CentralHeaderOffset, offset)])
        {
            var wasEscaped = Number(old, field) == ZipFormat.Escape32;
            var isEscaped = IsWide(value) || (keepsEscapes && wasEscaped);
            had += wasEscaped ? 1 : 0;
            numbers.AddRange(isEscaped ? [value] : []);
            WriteNarrow(fixedPart, field, isEscaped ? ZipFormat.Escape32 : value);
        }

        var fields = ZipExtra.Parse(old[nameEnd..extraEnd], entry.Name, entry.HeaderOffset);
        var extra = ZipExtra.Compose(WithNumbers(fields, had, numbers));
        BinaryPrimitives.WriteUInt16LittleEndian(fixedPart.AsSpan(ZipFormat.CentralExtraLength), checked((ushort)extra.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart.AsSpan(ZipFormat.CentralCrc), crc);
        return [.. fixedPart, .. extra, .. old.Span[extraEnd..]];
    }

    /// <summary>PyTorch's extra fields: zip64 where it is needed, and the padding last.</summary>
    private static byte[] PaddedExtra(ZipEntry entry, List<ZipExtra> fields, long offset, long size, long growth, int alignment)
    {
        var zip64 = fields.Find(field => field.Id == ZipFormat.Zip64ExtraId).Payload;

        // The writer makes this field before it has counted the compressed size, which so is zero (miniz.c, the same function).
        var compressed = IsWide(entry.Size) && zip64.Length >= 16 ? BinaryPrimitives.ReadInt64LittleEndian(zip64.Span[8..]) : 0;
        long[] numbers = [.. IsWide(size) ? [size, compressed] : Array.Empty<long>(), .. IsWide(offset) ? [offset] : Array.Empty<long>()];
        var others = fields.Where(field => field.Id != ZipFormat.PaddingExtraId).ToList();
        var extra = ZipExtra.Compose(WithNumbers(others, zip64.Length / sizeof(long), numbers));
        var before = fields.Find(field => field.Id == ZipFormat.PaddingExtraId).Payload.Length;
        var position = offset + LocalNameEnd(entry) + extra.Length;
        return [.. extra, .. ZipPadding.Field(position, entry.DataOffset, growth, before, ushort.MaxValue - extra.Length, alignment)];
    }

    /// <summary>The fields with other numbers in the zip64 field, in place of the <paramref name="had"/> that it starts with.</summary>
    private static List<ZipExtra> WithNumbers(List<ZipExtra> fields, int had, IReadOnlyList<long> numbers)
    {
        var at = fields.FindIndex(field => field.Id == ZipFormat.Zip64ExtraId);
        var rest = at < 0 ? default : fields[at].Payload[(had * sizeof(long))..];
        byte[] payload = [.. numbers.SelectMany(BitConverter.GetBytes), .. rest.Span];
        var field = new ZipExtra(ZipFormat.Zip64ExtraId, payload);
        return at < 0
            ? [.. payload.Length > 0 ? [field] : Array.Empty<ZipExtra>(), .. fields]
            : [.. fields[..at], .. payload.Length > 0 || had == 0 ? [field] : Array.Empty<ZipExtra>(), .. fields[(at + 1)..]];
    }

    private static List<ZipExtra> LocalFields(ZipEntry entry) =>
        ZipExtra.Parse(entry.LocalHeader[LocalNameEnd(entry)..], entry.Name, entry.HeaderOffset);

    private static int LocalNameEnd(ZipEntry entry) =>
        ZipFormat.LocalHeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(entry.LocalHeader.Span[ZipFormat.LocalNameLength..]);

    /// <summary>How many of the local header's two sizes stand in the zip64 field and are to be kept true.</summary>
    private static int EscapedSizes(ZipEntry entry) => !CarriesChecksum(entry)
        ? 0
        : new[] { ZipFormat.LocalSize, ZipFormat.LocalCompressedSize }.Count(field => Number(entry.LocalHeader, field) == ZipFormat.Escape32);

    private static bool IsWide(long number) => number >= ZipFormat.Escape32;

    private static bool HasDescriptor(ZipEntry entry) => entry.DescriptorLength > 0;

    private static bool IsPadded(List<ZipExtra> fields) => fields.Exists(field => field.Id == ZipFormat.PaddingExtraId);

    private static uint Number(ReadOnlyMemory<byte> header, int field) => BinaryPrimitives.ReadUInt32LittleEndian(header.Span[field..]);

    private static void WriteNarrow(byte[] header, int field, long value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(field), (uint)Math.Min(value, ZipFormat.Escape32));

    private static MigrationException TooLarge(ZipEntry entry, long size) =>
        new(FailureKind.Unsupported, $"{size} bytes need a zip64 field, which this zip's writer did not leave room for", where: ZipFailure.Place(entry.Name));
}
