using System.Buffers.Binary;
using System.Runtime.CompilerServices;
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
        var local = Renamed(LocalHeader.Span, ZipFormat.LocalHeaderLength, LocalNameEnd, ZipFormat.LocalNameLength, name);
        return this with
        {
            Name = name,
            HeaderOffset = -local.Length,
            LocalHeader = local,
            CentralHeader = Renamed(CentralHeader.Span, ZipFormat.CentralHeaderLength, CentralNameEnd, ZipFormat.CentralNameLength, name),
        };
    }

    private static byte[] Renamed(ReadOnlySpan<byte> header, int nameStart, int nameEnd, int nameLengthAt, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        byte[] renamed = [.. header[..nameStart], .. bytes, .. header[nameEnd..]];
        BinaryPrimitives.WriteUInt16LittleEndian(renamed.AsSpan(nameLengthAt), checked((ushort)bytes.Length));
        return renamed;
    }

    /// <summary>
    /// Whether there is a checksum to compare the bytes with: PyTorch leaves 0 where it was told not to count them
    /// (<c>torch.serialization.set_crc32_options(False)</c>, since 2.6).
    /// </summary>
    public bool HasChecksum => Crc != 0;

    /// <summary>Where the name ends in the local header, and its extra area starts.</summary>
    public int LocalNameEnd => ZipFormat.LocalHeaderLength + Number16(LocalHeader, ZipFormat.LocalNameLength);

    /// <summary>The extra fields of the local header.</summary>
    public ZipExtraArea LocalFields => ZipExtraArea.Parse(LocalHeader[LocalNameEnd..], Name, HeaderOffset);

    /// <summary>Where the name ends in the central header, and its extra area starts.</summary>
    public int CentralNameEnd => ZipFormat.CentralHeaderLength + Number16(CentralHeader, ZipFormat.CentralNameLength);

    /// <summary>Where the extra area ends in the central header, and its comment starts.</summary>
    public int CentralExtraEnd => CentralNameEnd + Number16(CentralHeader, ZipFormat.CentralExtraLength);

    /// <summary>The extra fields of the central header.</summary>
    public ZipExtraArea CentralFields => ZipExtraArea.Parse(CentralHeader[CentralNameEnd..CentralExtraEnd], Name, HeaderOffset);

    /// <summary>Where the entry's bytes start.</summary>
    public long DataOffset => HeaderOffset + LocalHeader.Length;

    /// <summary>Where the next entry, or the central directory, starts.</summary>
    public long End => DataOffset + Size + DescriptorLength;

    /// <summary>An entry is equal to itself alone: a zip has each name once.</summary>
    public bool Equals(ZipEntry? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    private static int Number16(ReadOnlyMemory<byte> header, int field) => BinaryPrimitives.ReadUInt16LittleEndian(header.Span[field..]);
}
