using System.IO.Compression;
using System.IO.Hashing;

namespace QkvMigrate.Testing.Zips;

/// <summary>Checksum and sizes behind an entry's bytes, in the forms that writers use (APPNOTE.TXT 4.3.9).</summary>
internal enum ZipDescriptor
{
    None = 0,
    Narrow = 12,
    SignedNarrow = 16,
    Wide = 20,
    SignedWide = 24,
}

/// <summary>
/// An entry to be laid down by <see cref="ZipImage"/>. What is null has its right value; whatever else is set, says
/// what a test wants to be wrong or unusual.
/// </summary>
/// <param name="Name">The name in both headers.</param>
/// <param name="Content">The first bytes of the entry.</param>
internal sealed record ZipPart(string Name, byte[] Content)
{
    /// <summary>Zeros behind <see cref="Content"/>, which take no room in a sparse file.</summary>
    public long Zeros { get; init; }

    /// <summary>Bytes before the local header that belong to nothing.</summary>
    public byte[] Before { get; init; } = [];

    /// <summary>Bytes behind the entry that belong to nothing.</summary>
    public byte[] Behind { get; init; } = [];

    public ushort Flags { get; init; }

    public ushort? LocalFlags { get; init; }

    public ushort Method { get; init; }

    public ushort? LocalMethod { get; init; }

    public uint LocalSignature { get; init; } = 0x04034b50;

    public string? LocalName { get; init; }

    public uint? LocalCrc { get; init; }

    /// <summary>The uncompressed size in the local header.</summary>
    public uint? LocalSize { get; init; }

    /// <summary>The compressed size in the local header.</summary>
    public uint? LocalCompressedSize { get; init; }

    public byte[] LocalExtra { get; init; } = [];

    /// <summary>The length that the local header gives its extra fields.</summary>
    public ushort? LocalExtraLength { get; init; }

    public ZipDescriptor Descriptor { get; init; }

    public uint? DescriptorSignature { get; init; }

    public uint? DescriptorCrc { get; init; }

    public long? DescriptorSize { get; init; }

    public uint? CentralCrc { get; init; }

    /// <summary>The uncompressed size in the central directory.</summary>
    public uint? CentralSize { get; init; }

    /// <summary>The compressed size in the central directory.</summary>
    public uint? CentralCompressedSize { get; init; }

    public uint? CentralOffset { get; init; }

    public ushort CentralDisk { get; init; }

    public byte[] CentralExtra { get; init; } = [];

    public string CentralComment { get; init; } = "";

    /// <summary>An entry that is compressed as much as can be.</summary>
    public static ZipPart Deflated(string name, byte[] content)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            deflate.Write(content);
        }

        var (size, crc) = ((uint)content.Length, Crc32.HashToUInt32(content));
        return new ZipPart(name, packed.ToArray()) { Method = 8, LocalSize = size, CentralSize = size, LocalCrc = crc, CentralCrc = crc };
    }
}
