using System.Buffers.Binary;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>Reads the local header and the data descriptor of an entry, and holds them against the central directory.</summary>
internal static class ZipLocalHeader
{
    /// <summary>Reads the entry whose bytes end at <paramref name="next"/>.</summary>
    public static ZipEntry Read(SourceFile source, ZipCentralHeader central, long next)
    {
        var offset = central.HeaderOffset;
        if (next - offset < ZipFormat.LocalHeaderLength)
        {
            throw ZipFailure.At(central.Name, offset, $"the local header reaches over byte {next}, where the next one starts");
        }

        // Two reads and not one with some to spare: the entry's bytes may be a tensor's, and those are not looked at yet.
        Span<byte> start = stackalloc byte[ZipFormat.LocalHeaderLength];
        source.Read(offset, start);
        if (BinaryPrimitives.ReadUInt32LittleEndian(start) != ZipFormat.LocalHeaderSignature)
        {
            throw ZipFailure.At(central.Name, offset, "no local header is where the directory says");
        }

        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(start[ZipFormat.LocalNameLength..]);
        var length = ZipFormat.LocalHeaderLength + nameLength + BinaryPrimitives.ReadUInt16LittleEndian(start[ZipFormat.LocalExtraLength..]);
        var gap = next - offset - length - central.Size;
        if (gap < 0)
        {
            throw ZipFailure.At(central.Name, offset, $"the entry's {central.Size} bytes reach over byte {next}, where the next one starts");
        }

        var header = new byte[length];
        start.CopyTo(header);
        source.Read(offset + start.Length, header.AsSpan(start.Length));
        Check(central, header, nameLength);
        var descriptor = (central.Flags & ZipFormat.DescriptorFlag) != 0 && gap > 0
            ? Descriptor(source, central, next - gap, gap)
            : 0;
        if (gap != descriptor)
        {
            throw ZipFailure.At(central.Name, next - gap, $"{gap} bytes behind the entry belong to nothing");
        }

        return new ZipEntry(central.Name, offset, header, central.Bytes, central.Size, central.Crc, descriptor);
    }

    private static void Check(ZipCentralHeader central, byte[] header, int nameLength)
    {
        var centralSpan = central.Bytes.Span;
        var centralName = centralSpan.Slice(ZipFormat.CentralHeaderLength, BinaryPrimitives.ReadUInt16LittleEndian(centralSpan[ZipFormat.CentralNameLength..]));
        if (!header.AsSpan(ZipFormat.LocalHeaderLength, nameLength).SequenceEqual(centralName))
        {
            throw ZipFailure.At(central.Name, central.HeaderOffset, "the local header has another name");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(ZipFormat.LocalFlags)) != central.Flags
            || BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(ZipFormat.LocalMethod)) != ZipFormat.Stored)
        {
            throw ZipFailure.At(central.Name, central.HeaderOffset, "the local header has other flags or another method than the directory");
        }

        // With a data descriptor the local header's checksum and sizes are zero (APPNOTE.TXT 4.4.4, bit 3); some writers fill them in.
        var descriptor = (central.Flags & ZipFormat.DescriptorFlag) != 0;
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCrc));
        var fields = ZipExtraArea.Parse(header.AsMemory(ZipFormat.LocalHeaderLength + nameLength), central.Name, central.HeaderOffset);
        ReadOnlySpan<uint> narrow =
        [
            BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ZipFormat.LocalSize)),
            BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ZipFormat.LocalCompressedSize)),
        ];
        var zip64 = Zip64Numbers.Of(fields, narrow, central.Name, central.HeaderOffset);
        var (size, compressed) = (zip64.Resolve(narrow[0]), zip64.Resolve(narrow[1]));
        if (!Agrees(crc, central.Crc) || !Agrees(size, central.Size) || !Agrees(compressed, central.Size))
        {
            throw ZipFailure.At(central.Name, central.HeaderOffset, "the local header has another checksum or size than the directory");
        }

        bool Agrees(long found, long expected) => found == expected || (descriptor && found == 0);
    }

    /// <summary>
    /// The length of the data descriptor in a gap of bytes: checksum and two sizes of 4 or 8 bytes, with or without a
    /// signature (APPNOTE.TXT 4.3.9).
    /// </summary>
    private static int Descriptor(SourceFile source, ZipCentralHeader central, long offset, long gap)
    {
        if (gap is not (12 or 16 or 20 or 24))
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[(int)gap];
        source.Read(offset, bytes);
        if (gap is 16 or 24)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != ZipFormat.DescriptorSignature)
            {
                return 0;
            }

            bytes = bytes[4..];
        }

        var wide = bytes.Length == 20;
        var size = wide ? BinaryPrimitives.ReadInt64LittleEndian(bytes[4..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        var second = wide ? BinaryPrimitives.ReadInt64LittleEndian(bytes[12..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes) == central.Crc && size == central.Size && second == central.Size
            ? (int)gap
            : throw ZipFailure.At(central.Name, offset, "the data descriptor has another checksum or size than the directory");
    }
}
