using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>One header of the central directory, read and checked on its own.</summary>
internal sealed record ZipCentralHeader(string Name, ReadOnlyMemory<byte> Bytes, long HeaderOffset, long Size, uint Crc, ushort Flags)
{
    /// <summary>Bytes of the longest name: PyTorch's are the file's own, a folder, and a number.</summary>
    private const int MaximumName = 1 << 12;

    /// <summary>Reads the header that <paramref name="directory"/> starts with; it stands at <paramref name="offset"/> of the file.</summary>
    public static ZipCentralHeader Read(ReadOnlyMemory<byte> directory, long offset)
    {
        var span = directory.Span;
        if (span.Length < ZipFormat.CentralHeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(span) != ZipFormat.CentralHeaderSignature)
        {
            throw ZipFailure.Directory(offset, "no header of an entry is where one is expected");
        }

        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralNameLength..]);
        var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralExtraLength..]);
        var length = ZipFormat.CentralHeaderLength + nameLength + extraLength + BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralCommentLength..]);
        if (length > span.Length)
        {
            throw ZipFailure.Directory(offset, $"a header of {length} bytes does not fit the {span.Length} that are left");
        }

        if (nameLength > MaximumName)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"a name of {nameLength} bytes, at most {MaximumName} are read",
                where: ZipFailure.DirectoryPlace,
                offset: offset);
        }

        var name = Encoding.UTF8.GetString(span.Slice(ZipFormat.CentralHeaderLength, nameLength));
        if (LeadsOut(name))
        {
            // Nothing is unpacked here, but who unpacks the new file would trust it.
            throw ZipFailure.At(name, offset, "the entry's name leads out of the archive");
        }

        var flags = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralFlags..]);
        if ((flags & ZipFormat.EncryptedFlag) != 0)
        {
            throw new MigrationException(FailureKind.Unsupported, "the entry is encrypted", where: ZipFailure.Place(name), offset: offset);
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralMethod..]) != ZipFormat.Stored)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "the entry is compressed; torch.save stores entries as they are, and torch.load maps no other",
                where: ZipFailure.Place(name),
                offset: offset);
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralDisk..]) is not (0 or ZipFormat.Escape16))
        {
            throw ZipFailure.At(name, offset, "the entry is on another disk");
        }

        var fields = ZipExtraArea.Parse(directory.Slice(ZipFormat.CentralHeaderLength + nameLength, extraLength), name, offset);
        ReadOnlySpan<uint> narrow =
        [
            BinaryPrimitives.ReadUInt32LittleEndian(span[ZipFormat.CentralSize..]),
            BinaryPrimitives.ReadUInt32LittleEndian(span[ZipFormat.CentralCompressedSize..]),
            BinaryPrimitives.ReadUInt32LittleEndian(span[ZipFormat.CentralHeaderOffset..]),
        ];
        var zip64 = Zip64Numbers.Of(fields, narrow, name, offset);
        var (size, compressed, place) = (zip64.Resolve(narrow[0]), zip64.Resolve(narrow[1]), zip64.Resolve(narrow[2]));
        if (size != compressed)
        {
            throw ZipFailure.At(name, offset, $"a stored entry has one size, this one {compressed} and {size}");
        }

        return new ZipCentralHeader(name, directory[..length], place, size, BinaryPrimitives.ReadUInt32LittleEndian(span[ZipFormat.CentralCrc..]), flags);
    }

    /// <summary>Whether one who unpacked the entry by its name would write outside of the folder that is unpacked to.</summary>
    private static bool LeadsOut(ReadOnlySpan<char> name)
    {
        if (name.StartsWith('/') || name.ContainsAny('\\', '\0'))
        {
            return true;
        }

        foreach (var step in name.Split('/'))
        {
            if (name[step] is "..")
            {
                return true;
            }
        }

        return false;
    }
}
