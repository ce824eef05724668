using System.Buffers.Binary;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The records that end a zip: the zip64 end and its locator, where there are, and the classic end with its comment
/// (APPNOTE.TXT 4.3.14 to 4.3.16).
/// </summary>
/// <param name="DirectoryOffset">Where the central directory starts.</param>
/// <param name="DirectorySize">Bytes of the central directory.</param>
/// <param name="Count">How many entries it has.</param>
/// <param name="HasZip64">Whether the zip64 records are there.</param>
/// <param name="Tail">Everything behind the central directory, as it is.</param>
internal sealed record ZipEnd(long DirectoryOffset, long DirectorySize, long Count, bool HasZip64, ReadOnlyMemory<byte> Tail)
{
    /// <summary>Finds and checks the end records.</summary>
    public static ZipEnd Read(SourceFile source)
    {
        var length = source.Length;

        // PyTorch writes no comment, and the bytes before the end record may be a tensor's: they are read only where they have to be.
        var window = source.Read(length - Math.Min(length, ZipFormat.EndLength), (int)Math.Min(length, ZipFormat.EndLength));
        var at = FindEnd(window);
        if (at < 0)
        {
            var longest = (int)Math.Min(length, ZipFormat.EndLength + ushort.MaxValue);
            window = source.Read(length - longest, longest);
            at = FindEnd(window);
        }

        if (at < 0)
        {
            throw ZipFailure.Directory(length, "no end-of-directory record: the file is cut off, or no zip");
        }

        var endOffset = length - window.Length + at;
        var end = window.AsSpan(at);
        var count = (long)BinaryPrimitives.ReadUInt16LittleEndian(end[ZipFormat.EndCount..]);
        var size = (long)BinaryPrimitives.ReadUInt32LittleEndian(end[ZipFormat.EndDirectorySize..]);
        var offset = (long)BinaryPrimitives.ReadUInt32LittleEndian(end[ZipFormat.EndDirectoryOffset..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(end[ZipFormat.EndDisk..]) is not (0 or ZipFormat.Escape16))
        {
            throw ZipFailure.Directory(endOffset, "the zip is one of several disks");
        }

        var zip64 = Zip64(source, endOffset);
        if (zip64 is { } record)
        {
            count = Number(record.Bytes, ZipFormat.Zip64EndCount, record.Offset);
            size = Number(record.Bytes, ZipFormat.Zip64EndDirectorySize, record.Offset);
            offset = Number(record.Bytes, ZipFormat.Zip64EndDirectoryOffset, record.Offset);
        }

        var tail = zip64?.Offset ?? endOffset;
        if (offset > tail || size != tail - offset)
        {
            throw ZipFailure.Directory(
                endOffset,
                $"the directory is said to have {size} bytes from byte {offset} on, but the end records start at byte {tail}");
        }

        return new ZipEnd(offset, size, count, zip64 is not null, source.Read(tail, (int)(length - tail)));
    }

    /// <summary>
    /// The end records for a central directory of <paramref name="count"/> entries and <paramref name="size"/> bytes at
    /// <paramref name="offset"/>.
    /// </summary>
    public byte[] Moved(long offset, long size, long count)
    {
        var tail = Tail.ToArray();
        var end = tail.AsSpan();
        if (HasZip64)
        {
            BinaryPrimitives.WriteInt64LittleEndian(end[ZipFormat.Zip64EndCountOnDisk..], count);
            BinaryPrimitives.WriteInt64LittleEndian(end[ZipFormat.Zip64EndCount..], count);
            BinaryPrimitives.WriteInt64LittleEndian(end[ZipFormat.Zip64EndDirectorySize..], size);
            BinaryPrimitives.WriteInt64LittleEndian(end[ZipFormat.Zip64EndDirectoryOffset..], offset);
            var locator = Zip64Length(end);
            BinaryPrimitives.WriteInt64LittleEndian(end[(locator + ZipFormat.Zip64LocatorEndOffset)..], offset + size);
            end = end[(locator + ZipFormat.Zip64LocatorLength)..];
        }
        else if (size >= ZipFormat.Escape32 || offset >= ZipFormat.Escape32 || count >= ZipFormat.Escape16)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "the zip has no zip64 records, which the new file would need",
                where: ZipFailure.DirectoryPlace);
        }

        if (count != Count)
        {
            // PyTorch's writer leaves a number to the zip64 record only where it has to.
            var narrow = (ushort)Math.Min(count, ZipFormat.Escape16);
            BinaryPrimitives.WriteUInt16LittleEndian(end[ZipFormat.EndCountOnDisk..], narrow);
            BinaryPrimitives.WriteUInt16LittleEndian(end[ZipFormat.EndCount..], narrow);
        }

        WriteNarrow(end[ZipFormat.EndDirectorySize..], DirectorySize, size);
        WriteNarrow(end[ZipFormat.EndDirectoryOffset..], DirectoryOffset, offset);
        return tail;
    }

    /// <summary>A writer that leaves a small number to the zip64 record leaves all of them to it.</summary>
    private static void WriteNarrow(Span<byte> field, long old, long number)
    {
        var isEscaped = old < ZipFormat.Escape32 && BinaryPrimitives.ReadUInt32LittleEndian(field) == ZipFormat.Escape32;
        BinaryPrimitives.WriteUInt32LittleEndian(field, isEscaped ? ZipFormat.Escape32 : (uint)Math.Min(number, ZipFormat.Escape32));
    }

    /// <summary>The end record is the last one whose comment reaches exactly to the end of the file.</summary>
    private static int FindEnd(ReadOnlySpan<byte> window)
    {
        for (var at = window.Length - ZipFormat.EndLength; at >= 0; at--)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(window[at..]) == ZipFormat.EndSignature
                && BinaryPrimitives.ReadUInt16LittleEndian(window[(at + ZipFormat.EndCommentLength)..]) == window.Length - at - ZipFormat.EndLength)
            {
                return at;
            }
        }

        return -1;
    }

    private static (long Offset, byte[] Bytes)? Zip64(SourceFile source, long endOffset)
    {
        var locatorOffset = endOffset - ZipFormat.Zip64LocatorLength;
        if (locatorOffset < ZipFormat.Zip64EndLength)
        {
            return null;
        }

        var locator = source.Read(locatorOffset, ZipFormat.Zip64LocatorLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != ZipFormat.Zip64LocatorSignature)
        {
            return null;
        }

        var offset = Number(locator, ZipFormat.Zip64LocatorEndOffset, locatorOffset);
        if (offset > locatorOffset - ZipFormat.Zip64EndLength)
        {
            throw ZipFailure.Directory(locatorOffset, $"the zip64 end record is said to be at byte {offset}, behind its locator");
        }

        var record = source.Read(offset, ZipFormat.Zip64EndLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != ZipFormat.Zip64EndSignature || offset + Zip64Length(record) != locatorOffset)
        {
            throw ZipFailure.Directory(offset, "no zip64 end record of the right length is where its locator says");
        }

        return (offset, record);
    }

    /// <summary>Bytes of a zip64 end record: its size field leaves out the signature and itself.</summary>
    private static int Zip64Length(ReadOnlySpan<byte> record)
    {
        var size = BinaryPrimitives.ReadUInt64LittleEndian(record[ZipFormat.Zip64EndRecordSize..]);
        return size <= ushort.MaxValue ? (int)size + 12 : 0;
    }

    private static long Number(ReadOnlySpan<byte> record, int field, long offset)
    {
        var number = BinaryPrimitives.ReadInt64LittleEndian(record[field..]);
        return number >= 0 ? number : throw ZipFailure.Directory(offset + field, "a number is beyond 63 bits");
    }
}
