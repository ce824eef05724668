using System.Buffers;
using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// Writes the headers of an entry that moved or changed, from its old headers. Entries with PyTorch's padding get zip64
/// fields by the rule of its writer (miniz.c, <c>mz_zip_writer_add_mem_ex_v2</c>: sizes from 4 GiB − 1 on, the header's
/// offset from 4 GiB − 1 on, in the local header too); others keep the fields that they have.
/// </summary>
internal sealed class ZipHeaders
{
    private readonly ArrayBufferWriter<byte> extra = new();

    /// <summary>The local header for the entry at <paramref name="offset"/>.</summary>
    /// <param name="entry">The entry as it was.</param>
    /// <param name="offset">Where the header comes to stand.</param>
    /// <param name="size">Bytes of the entry.</param>
    /// <param name="crc">Its CRC-32, or 0 where it is patched in later.</param>
    /// <param name="growth">By how many bytes the entry before has grown.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    public byte[] Local(ZipEntry entry, long offset, long size, uint crc, long growth, int alignment)
    {
        var fields = entry.LocalFields;
        var isPadded = IsPadded(fields);
        extra.ResetWrittenCount();
        if (isPadded)
        {
            WritePadded(entry, fields, offset, size, growth, alignment);
        }
        else
        {
            ReadOnlySpan<long> sizes = [size, size];
            var escaped = EscapedSizes(entry);
            WriteFields(fields, escaped, sizes[..escaped]);
        }

        var header = new byte[entry.LocalNameEnd + extra.WrittenCount];
        entry.LocalHeader.Span[..entry.LocalNameEnd].CopyTo(header);
        extra.WrittenSpan.CopyTo(header.AsSpan(entry.LocalNameEnd));
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(ZipFormat.LocalExtraLength), checked((ushort)extra.WrittenCount));
        if (CarriesChecksum(entry))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCrc), crc);
            foreach (var field in (ReadOnlySpan<int>)[ZipFormat.LocalSize, ZipFormat.LocalCompressedSize])
            {
                if (isPadded || Number(header, field) != ZipFormat.Escape32)
                {
                    WriteNarrow(header, field, isPadded || size < ZipFormat.Escape32 ? size : throw TooLarge(entry, size));
                }
            }
        }

        return header;
    }

    /// <summary>Whether the local header gives checksum and sizes: it must without a descriptor, and some writers do with one.</summary>
    public static bool CarriesChecksum(ZipEntry entry) =>
        !ZipDescriptors.IsIn(entry)
        || Number(entry.LocalHeader, ZipFormat.LocalCrc) != 0
        || Number(entry.LocalHeader, ZipFormat.LocalSize) is not (0 or ZipFormat.Escape32);

    /// <summary>The header for the central directory.</summary>
    public byte[] Central(ZipEntry entry, long offset, long size, uint crc)
    {
        var old = entry.CentralHeader;
        var keepsEscapes = !IsPadded(entry.LocalFields);
        ReadOnlySpan<(int Field, long Value)> places =
        [
            (ZipFormat.CentralSize, size),
            (ZipFormat.CentralCompressedSize, size),
            (ZipFormat.CentralHeaderOffset, offset),
        ];
        Span<long> numbers = stackalloc long[places.Length];
        var (had, has) = (0, 0);
        foreach (var (field, value) in places)
        {
            had += WasEscaped(field) ? 1 : 0;
            if (IsEscaped(field, value))
            {
                numbers[has++] = value;
            }
        }

        extra.ResetWrittenCount();
        WriteFields(entry.CentralFields, had, numbers[..has]);
        var (nameEnd, extraEnd) = (entry.CentralNameEnd, entry.CentralExtraEnd);
        var header = new byte[nameEnd + extra.WrittenCount + old.Length - extraEnd];
        old.Span[..nameEnd].CopyTo(header);
        extra.WrittenSpan.CopyTo(header.AsSpan(nameEnd));
        old.Span[extraEnd..].CopyTo(header.AsSpan(nameEnd + extra.WrittenCount));
        foreach (var (field, value) in places)
        {
            WriteNarrow(header, field, IsEscaped(field, value) ? ZipFormat.Escape32 : value);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(ZipFormat.CentralExtraLength), checked((ushort)extra.WrittenCount));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ZipFormat.CentralCrc), crc);
        return header;

        bool WasEscaped(int field) => Number(old, field) == ZipFormat.Escape32;

        bool IsEscaped(int field, long value) => IsWide(value) || (keepsEscapes && WasEscaped(field));
    }

    /// <summary>PyTorch's extra fields: zip64 where it is needed, and the padding last.</summary>
    private void WritePadded(ZipEntry entry, ZipExtraArea fields, long offset, long size, long growth, int alignment)
    {
        var zip64 = fields.Find(ZipFormat.Zip64ExtraId).GetValueOrDefault();

        // The compressed size is zero: the writer makes this field before it has counted that (miniz.c, the same function).
        var compressed = IsWide(entry.Size) && zip64.Length >= 16 ? BinaryPrimitives.ReadInt64LittleEndian(zip64.Span[8..]) : 0;
        ReadOnlySpan<long> numbers = (IsWide(size), IsWide(offset)) switch
        {
            (true, true) => [size, compressed, offset],
            (true, false) => [size, compressed],
            (false, true) => [offset],
            (false, false) => [],
        };
        WriteFields(fields, zip64.Length / sizeof(long), numbers, without: ZipFormat.PaddingExtraId);
        var before = fields.Find(ZipFormat.PaddingExtraId).GetValueOrDefault().Length;
        ZipPadding.Write(extra, entry, offset + entry.LocalNameEnd + extra.WrittenCount, growth, before, ushort.MaxValue - extra.WrittenCount, alignment);
    }

    /// <summary>
    /// Writes the fields with other numbers in the zip64 field, in place of the <paramref name="had"/> that it starts with.
    /// Where there is none yet it comes first.
    /// </summary>
    private void WriteFields(ZipExtraArea fields, int had, ReadOnlySpan<long> numbers, ushort? without = null)
    {
        var old = fields.Find(ZipFormat.Zip64ExtraId);
        var rest = old.GetValueOrDefault().Span[(had * sizeof(long))..];
        var isWanted = numbers.Length > 0 || rest.Length > 0;
        if (old is null && isWanted)
        {
            WriteZip64(numbers, rest);
        }

        var isFirst = true;
        foreach (var field in fields)
        {
            if (field.Id == ZipFormat.Zip64ExtraId && isFirst)
            {
                isFirst = false;
                if (isWanted || had == 0)
                {
                    WriteZip64(numbers, rest);
                }
            }
            else if (field.Id != without)
            {
                field.Write(extra);
            }
        }
    }

    private void WriteZip64(ReadOnlySpan<long> numbers, ReadOnlySpan<byte> rest)
    {
        ZipExtra.WriteHead(extra, ZipFormat.Zip64ExtraId, (numbers.Length * sizeof(long)) + rest.Length);
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteInt64LittleEndian(extra.GetSpan(sizeof(long)), number);
            extra.Advance(sizeof(long));
        }

        extra.Write(rest);
    }

    /// <summary>How many of the local header's two sizes stand in the zip64 field and are to be kept true.</summary>
    private static int EscapedSizes(ZipEntry entry)
    {
        if (!CarriesChecksum(entry))
        {
            return 0;
        }

        return Escaped(ZipFormat.LocalSize) + Escaped(ZipFormat.LocalCompressedSize);

        int Escaped(int field) => Number(entry.LocalHeader, field) == ZipFormat.Escape32 ? 1 : 0;
    }

    /// <summary>Whether PyTorch's writer puts a number into the zip64 field.</summary>
    public static bool IsWide(long number) => number >= ZipFormat.Escape32;

    /// <summary>Whether an entry has PyTorch's padding, which is one field and the last, and so the fields that PyTorch's writer gives it.</summary>
    public static bool IsPadded(ZipExtraArea fields)
    {
        var (count, isLast) = (0, false);
        foreach (var field in fields)
        {
            isLast = field.Id == ZipFormat.PaddingExtraId;
            count += isLast ? 1 : 0;
        }

        return count == 1 && isLast;
    }

    private static uint Number(ReadOnlyMemory<byte> header, int field) => BinaryPrimitives.ReadUInt32LittleEndian(header.Span[field..]);

    private static void WriteNarrow(byte[] header, int field, long value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(field), (uint)Math.Min(value, ZipFormat.Escape32));

    /// <summary>The failure of a size that the entry's fields have no room for.</summary>
    public static MigrationException TooLarge(ZipEntry entry, long size) =>
        new(FailureKind.Unsupported, $"{size} bytes need a zip64 field, which this zip's writer did not leave room for", where: ZipFailure.Place(entry.Name));
}
