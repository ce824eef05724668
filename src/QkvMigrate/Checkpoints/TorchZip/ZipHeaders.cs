using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// Writes the headers of an entry that moved or changed, from its old headers. Entries with PyTorch's padding get zip64
/// fields by the rule of its writer (miniz.c, <c>mz_zip_writer_add_mem_ex_v2</c>: sizes from 4 GiB − 1 on, the header's
/// offset from 4 GiB − 1 on, in the local header too); others keep the fields that they have.
/// </summary>
internal static class ZipHeaders
{
    /// <summary>The local header for the entry at <paramref name="offset"/>; a null <paramref name="crc"/> leaves zeros where one belongs.</summary>
    /// <param name="entry">The entry as it was.</param>
    /// <param name="offset">Where the header comes to stand.</param>
    /// <param name="size">Bytes of the entry.</param>
    /// <param name="crc">Its CRC-32.</param>
    /// <param name="growth">By how many bytes the entry before has grown.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    public static byte[] Local(ZipEntry entry, long offset, long size, uint? crc, long growth, int alignment)
    {
        var old = entry.LocalHeader;
        var nameEnd = ZipFormat.LocalHeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(old.Span[ZipFormat.LocalNameLength..]);
        var fields = ZipExtra.Parse(old[nameEnd..], entry.Name, entry.HeaderOffset);
        var padded = fields.Exists(field => field.Id == ZipFormat.PaddingExtraId);
        if (!padded && offset == entry.HeaderOffset && size == entry.Size && crc is null)
        {
            return old.ToArray();
        }

        var others = fields.Where(field => field.Id is not (ZipFormat.PaddingExtraId or ZipFormat.Zip64ExtraId));
        var extra = ZipExtra.Compose([.. Zip64Field(LocalNumbers(entry, fields, padded, offset, size)), .. others]);
        if (padded)
        {
            var before = fields.Find(field => field.Id == ZipFormat.PaddingExtraId).Payload.Length;
            extra = [.. extra, .. ZipPadding.Field(offset + nameEnd + extra.Length, entry.DataOffset, growth, before, ushort.MaxValue - extra.Length, alignment)];
        }

        byte[] header = [.. old.Span[..nameEnd], .. extra];
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(ZipFormat.LocalExtraLength), checked((ushort)extra.Length));
        if (CarriesChecksum(entry))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCrc), crc ?? entry.Crc);
            var narrow = (uint)Math.Min(size, ZipFormat.Escape32);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.LocalSize), narrow);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCompressedSize), narrow);
        }

        return header;
    }

    /// <summary>Whether the local header gives checksum and sizes: it must without a descriptor, and some writers do with one.</summary>
    public static bool CarriesChecksum(ZipEntry entry) =>
        !HasDescriptor(entry) || BinaryPrimitives.ReadUInt32LittleEndian(entry.LocalHeader.Span[ZipFormat.LocalCrc..]) != 0;

    /// <summary>The data descriptor, empty where the entry has none.</summary>
    public static byte[] Descriptor(ZipEntry entry, long offset, long size, uint crc)
    {
        if (!HasDescriptor(entry))
        {
            return [];
        }

        // PyTorch's writer gives the descriptor wide sizes exactly where the local header has a zip64 field.
        var length = IsPadded(entry) ? (Numbers(offset, size).Length > 0 ? 24 : 16) : entry.DescriptorLength;
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
        var others = ZipExtra.Parse(old[nameEnd..extraEnd], entry.Name, entry.HeaderOffset).Where(field => field.Id != ZipFormat.Zip64ExtraId);
        var extra = ZipExtra.Compose([.. Zip64Field(Numbers(offset, size)), .. others]);
        byte[] header = [.. old.Span[..nameEnd], .. extra, .. old.Span[extraEnd..]];
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(ZipFormat.CentralExtraLength), checked((ushort)extra.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.CentralCrc), crc);
        var narrow = (uint)Math.Min(size, ZipFormat.Escape32);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.CentralSize), narrow);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.CentralCompressedSize), narrow);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.CentralHeaderOffset), (uint)Math.Min(offset, ZipFormat.Escape32));
        return header;
    }

    private static long[] LocalNumbers(ZipEntry entry, List<ZipExtra> fields, bool padded, long offset, long size)
    {
        if (padded)
        {
            return Numbers(offset, size);
        }

        var had = fields.Exists(field => field.Id == ZipFormat.Zip64ExtraId);
        return had ? [size, size] : size < ZipFormat.Escape32 ? [] : throw TooLarge(entry, size);
    }

    /// <summary>The numbers that need a zip64 field.</summary>
    private static long[] Numbers(long offset, long size) =>
        [.. size >= ZipFormat.Escape32 ? [size, size] : Array.Empty<long>(), .. offset >= ZipFormat.Escape32 ? [offset] : Array.Empty<long>()];

    private static ZipExtra[] Zip64Field(long[] numbers)
    {
        if (numbers.Length == 0)
        {
            return [];
        }

        var payload = new byte[numbers.Length * sizeof(long)];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(i * sizeof(long)), numbers[i]);
        }

        return [new ZipExtra(ZipFormat.Zip64ExtraId, payload)];
    }

    private static bool HasDescriptor(ZipEntry entry) => entry.DescriptorLength > 0;

    private static bool IsPadded(ZipEntry entry)
    {
        var nameEnd = ZipFormat.LocalHeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(entry.LocalHeader.Span[ZipFormat.LocalNameLength..]);
        return ZipExtra.Parse(entry.LocalHeader[nameEnd..], entry.Name, entry.HeaderOffset).Exists(field => field.Id == ZipFormat.PaddingExtraId);
    }

    private static MigrationException TooLarge(ZipEntry entry, long size) =>
        new(FailureKind.Unsupported, $"{size} bytes need a zip64 field, which this zip's writer did not leave room for", where: $"zip entry '{entry.Name}'");
}
