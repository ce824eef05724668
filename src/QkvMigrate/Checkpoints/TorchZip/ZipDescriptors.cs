using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The data descriptor behind an entry's bytes (APPNOTE.TXT 4.3.9): a signature, or none; the checksum; the two sizes, of
/// 4 bytes each or of 8. Its length tells which: 12, 16, 20 or 24 bytes.
/// </summary>
internal static class ZipDescriptors
{
    /// <summary>Whether the entry has one.</summary>
    public static bool IsIn(ZipEntry entry) => entry.DescriptorLength > 0;

    /// <summary>The new descriptor of an entry; empty where the entry has none.</summary>
    /// <param name="entry">The entry as it was.</param>
    /// <param name="offset">Where its local header comes to stand.</param>
    /// <param name="size">Bytes of the entry.</param>
    /// <param name="crc">Its CRC-32, or 0 where it is patched in later.</param>
    public static byte[] Make(ZipEntry entry, long offset, long size, uint crc)
    {
        if (!IsIn(entry))
        {
            return [];
        }

        var length = LengthFor(entry, offset, size);
        if (!HasWideSizes(length) && size > ZipFormat.Escape32)
        {
            throw ZipHeaders.TooLarge(entry, size);
        }

        var descriptor = new byte[length];
        if (HasSignature(length))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor, ZipFormat.DescriptorSignature);
        }

        var at = ChecksumAt(length);
        BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(at), crc);
        var sizes = descriptor.AsSpan(at + sizeof(uint));
        if (HasWideSizes(length))
        {
            BinaryPrimitives.WriteInt64LittleEndian(sizes, size);
            BinaryPrimitives.WriteInt64LittleEndian(sizes[sizeof(long)..], size);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(sizes, (uint)size);
            BinaryPrimitives.WriteUInt32LittleEndian(sizes[sizeof(uint)..], (uint)size);
        }

        return descriptor;
    }

    /// <summary>Where the checksum stands in a descriptor of <paramref name="length"/> bytes: behind the signature, if it has one.</summary>
    public static int ChecksumAt(int length) => HasSignature(length) ? sizeof(uint) : 0;

    /// <summary>
    /// PyTorch's writer gives the descriptor a signature, and wide sizes exactly where the local header has a zip64 field; others keep
    /// theirs, also where they pad as PyTorch does.
    /// </summary>
    private static int LengthFor(ZipEntry entry, long offset, long size)
    {
        if (!ZipHeaders.IsPadded(entry.LocalFields) || !HasSignature(entry.DescriptorLength))
        {
            return entry.DescriptorLength;
        }

        return ZipHeaders.IsWide(size) || ZipHeaders.IsWide(offset) ? 24 : 16;
    }

    private static bool HasSignature(int length) => length is 16 or 24;

    private static bool HasWideSizes(int length) => length is 20 or 24;
}
