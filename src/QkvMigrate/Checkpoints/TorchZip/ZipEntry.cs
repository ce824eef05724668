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
    /// <summary>Where the entry's bytes start.</summary>
    public long DataOffset => HeaderOffset + LocalHeader.Length;

    /// <summary>Where the next entry, or the central directory, starts.</summary>
    public long End => DataOffset + Size + DescriptorLength;
}
