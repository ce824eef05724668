using System.Text;

namespace QkvMigrate.Testing.Zips;

/// <summary>
/// Lays entries down as PyTorch's writer does. Its rules, seen in third_party/miniz-2.1.0/miniz.c
/// (<c>mz_zip_writer_add_mem_ex_v2</c>) and caffe2/serialize/inline_container.cc (<c>getPadding</c>): the local header
/// holds no checksum and no sizes, a descriptor with a signature follows where there are bytes, and an extra field of
/// Zs brings the data to a multiple of the alignment. From 4 GiB − 1 on, a size or the header's offset stands in a
/// zip64 field, in the local header as well, and then the descriptor is wide. In the local one the compressed size is
/// zero: it is written before the writer has counted it.
/// </summary>
internal static class PyTorchZip
{
    /// <summary>Bytes of a local header before the name.</summary>
    public const int HeaderLength = 30;

    /// <summary>Bytes of an extra field before its content: "FB" and a length.</summary>
    private const int PaddingHead = 4;

    /// <summary>In the zip64 record of a 32-bit field.</summary>
    private const long Limit = uint.MaxValue;

    /// <summary>Bit 11: the name is UTF-8.</summary>
    private const ushort Utf8 = 0x0800;

    public static ZipImage Add(ZipImage image, string name, byte[] content, long zeros = 0, int alignment = 64)
    {
        var size = content.Length + zeros;
        var offset = image.Length;
        long[] sizes = size >= Limit ? [size, 0] : [];
        long[] place = offset >= Limit ? [offset] : [];
        var local = Zip64([.. sizes, .. place]);
        var padding = PaddingBefore(offset + HeaderLength + Encoding.UTF8.GetByteCount(name) + local.Length, alignment);
        return image.Add(new ZipPart(name, content)
        {
            Zeros = zeros,
            Flags = Utf8,
            Descriptor = size == 0 ? ZipDescriptor.None : local.Length > 0 ? ZipDescriptor.SignedWide : ZipDescriptor.SignedNarrow,
            LocalExtra = [.. local, .. Padding(padding)],
            CentralExtra = Zip64([.. size >= Limit ? [size, size] : Array.Empty<long>(), .. place]),
        });
    }

    /// <summary>Bytes of padding behind a header that ends at <paramref name="end"/>, so that the data is aligned.</summary>
    public static int PaddingBefore(long end, int alignment = 64) => (int)((alignment - ((end + PaddingHead) % alignment)) % alignment);

    public static byte[] Padding(int length) => [(byte)'F', (byte)'B', (byte)length, (byte)(length >> 8), .. Enumerable.Repeat((byte)'Z', length)];

    public static byte[] Zip64(params long[] numbers) =>
        numbers.Length == 0 ? [] : [1, 0, (byte)(8 * numbers.Length), 0, .. numbers.SelectMany(BitConverter.GetBytes)];

    /// <summary>Its end records.</summary>
    public static ZipTail Tail { get; } = new() { Zip64 = true };
}
