using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>One stored entry of a zip: its two headers as they are, and where its bytes stand.</summary>
/// <param name="Name">The entry's name.</param>
/// <param name="HeaderOffset">Where the local header starts.</param>
/// <param name="LocalHeader">The local header with name and extra fields.</param>
/// <param name="CentralHeader">The header in the central directory with name, extra fields and comment.</param>
/// <param name="Size">Bytes of the entry; stored entries have one size.</param>
/// <param name="Crc">The CRC-32 that the central directory gives.</param>
/// <param name="DescriptorLength">Bytes of the data descriptor behind the data, or 0.</param>
internal sealed record ZipEntry(
    string Name,
    long HeaderOffset,
    ReadOnlyMemory<byte> LocalHeader,
    ReadOnlyMemory<byte> CentralHeader,
    long Size,
    uint Crc,
    int DescriptorLength)
{
    /// <summary>
    /// A new entry called <paramref name="name"/>, with the flags, the time and the kinds of fields that this one has. It
    /// stands nowhere yet; its bytes are aligned as PyTorch aligns them.
    /// </summary>
    public ZipEntry Like(string name)
    {
        var local = Renamed(LocalHeader.Span, ZipFormat.LocalHeaderLength, ZipFormat.LocalNameLength, name);
        return this with
        {
            Name = name,
            HeaderOffset = -local.Length,
            LocalHeader = local,
            CentralHeader = Renamed(CentralHeader.Span, ZipFormat.CentralHeaderLength, ZipFormat.CentralNameLength, name),
        };
    }

    private static byte[] Renamed(ReadOnlySpan<byte> header, int fixedLength, int nameLengthAt, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var nameEnd = fixedLength + BinaryPrimitives.ReadUInt16LittleEndian(header[nameLengthAt..]);
        byte[] renamed = [.. header[..fixedLength], .. bytes, .. header[nameEnd..]];
        BinaryPrimitives.WriteUInt16LittleEndian(renamed.AsSpan(nameLengthAt), checked((ushort)bytes.Length));
        return renamed;
    }

    /// <summary>
    /// Whether there is a checksum to compare the bytes with: PyTorch leaves 0 where it was told not to count them
    /// (<c>torch.serialization.set_crc32_options(False)</c>, since 2.6).
    /// </summary>
    public bool HasChecksum => Crc != 0;

    /// <summary>Where the entry's bytes start.</summary>
    public long DataOffset => HeaderOffset + LocalHeader.Length;

    /// <summary>Where the next entry, or the central directory, starts.</summary>
    public long End => DataOffset + Size + DescriptorLength;
}
