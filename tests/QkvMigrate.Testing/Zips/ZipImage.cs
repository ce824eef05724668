using System.IO.Hashing;
using System.Text;

namespace QkvMigrate.Testing.Zips;

/// <summary>A zip laid down byte by byte, in memory or as a sparse file. Written from APPNOTE.TXT, apart from the code under test.</summary>
internal sealed class ZipImage
{
    /// <summary>PyTorch writes no time.</summary>
    private const uint Time = 0;

    private readonly List<byte[]> directory = [];

    /// <summary>What is laid down so far.</summary>
    public SparseBytes Bytes { get; } = new();

    /// <summary>Bytes that are laid down so far.</summary>
    public long Length => Bytes.Length;

    /// <summary>Lays down a local header, the entry's bytes and its descriptor.</summary>
    public ZipImage Add(ZipPart part)
    {
        Put(part.Before);
        var offset = Length;
        var size = part.Content.Length + part.Zeros;
        var crc = part.Zeros == 0 ? Crc32.HashToUInt32(part.Content) : 0xdeadbeef;
        var described = part.Descriptor != ZipDescriptor.None;
        var narrow = (uint)Math.Min(size, uint.MaxValue);
        var flags = (ushort)(part.Flags | (described ? 8 : 0));
        var name = Encoding.UTF8.GetBytes(part.LocalName ?? part.Name);
        Put([
            .. U32(part.LocalSignature),
            .. U16(0), // version needed
            .. U16(part.LocalFlags ?? flags),
            .. U16(part.LocalMethod ?? part.Method),
            .. U32(Time),
            .. U32(part.LocalCrc ?? (described ? 0 : crc)),
            .. U32(part.LocalCompressedSize ?? (described ? 0 : narrow)),
            .. U32(part.LocalSize ?? (described ? 0 : narrow)),
            .. U16(name.Length),
            .. U16(part.LocalExtraLength ?? part.LocalExtra.Length),
            .. name,
            .. part.LocalExtra,
        ]);
        Put(part.Content);
        Bytes.Skip(part.Zeros);
        PutDescriptor(part, crc, size);
        Put(part.Behind);
        var comment = Encoding.UTF8.GetBytes(part.CentralComment);
        directory.Add([
            .. U32(0x02014b50),
            .. U16(0), // version made by
            .. U16(0), // version needed
            .. U16(flags),
            .. U16(part.Method),
            .. U32(Time),
            .. U32(part.CentralCrc ?? crc),
            .. U32(part.CentralCompressedSize ?? narrow),
            .. U32(part.CentralSize ?? narrow),
            .. U16(Encoding.UTF8.GetByteCount(part.Name)),
            .. U16(part.CentralExtra.Length),
            .. U16(comment.Length),
            .. U16(part.CentralDisk),
            .. new byte[6], // attributes
            .. U32(part.CentralOffset ?? (uint)Math.Min(offset, uint.MaxValue)),
            .. Encoding.UTF8.GetBytes(part.Name),
            .. part.CentralExtra,
            .. comment,
        ]);
        return this;
    }

    /// <summary>Lays down the central directory, in the order of <paramref name="order"/> where it is given, and the end records.</summary>
    public ZipImage End(ZipTail? tail = null, params int[] order)
    {
        tail ??= new ZipTail();
        var start = Length;
        foreach (var number in order.Length > 0 ? order : Enumerable.Range(0, directory.Count))
        {
            Put(directory[number]);
        }

        var size = tail.DirectorySize ?? Length - start;
        var offset = tail.DirectoryOffset ?? start;
        var count = tail.Count ?? (order.Length > 0 ? order.Length : directory.Count);
        Put(tail.Before);
        if (tail.Zip64)
        {
            var record = Length;
            Put([
                .. U32(tail.Zip64Signature),
                .. U64(tail.Zip64Size ?? (44 + tail.Zip64Extension.Length)),
                .. U16(0x031e), // version made by
                .. U16(0x002d), // version needed
                .. U32(tail.Disk),
                .. U32(0), // the directory's disk
                .. U64(count),
                .. U64(count),
                .. U64(size),
                .. U64(offset),
                .. tail.Zip64Extension,
            ]);
            Put([.. U32(0x07064b50), .. U32(0), .. U64(tail.Zip64Offset ?? record), .. U32(1)]);
        }

        var comment = Encoding.UTF8.GetBytes(tail.Comment);
        var narrowCount = tail.Escaped ? ushort.MaxValue : (int)Math.Min(count, ushort.MaxValue);
        Put([
            .. U32(0x06054b50),
            .. U16(tail.Disk),
            .. U16(0), // the directory's disk
            .. U16(narrowCount),
            .. U16(narrowCount),
            .. U32(tail.Escaped ? uint.MaxValue : (uint)Math.Min(size, uint.MaxValue)),
            .. U32(tail.Escaped ? uint.MaxValue : (uint)Math.Min(offset, uint.MaxValue)),
            .. U16(tail.CommentLength ?? comment.Length),
            .. comment,
        ]);
        return this;
    }

    public byte[] ToArray() => Bytes.ToArray();

    private void PutDescriptor(ZipPart part, uint crc, long size)
    {
        if (part.Descriptor is ZipDescriptor.SignedNarrow or ZipDescriptor.SignedWide)
        {
            Put(U32(part.DescriptorSignature ?? 0x08074b50));
        }

        if (part.Descriptor == ZipDescriptor.None)
        {
            return;
        }

        Put(U32(part.DescriptorCrc ?? crc));
        var told = part.DescriptorSize ?? size;
        var number = part.Descriptor is ZipDescriptor.Wide or ZipDescriptor.SignedWide ? U64(told) : U32((uint)told);
        Put([.. number, .. number]);
    }

    private void Put(byte[] bytes) => Bytes.Put(bytes);

    private static byte[] U16(int value) => BitConverter.GetBytes((ushort)value);

    private static byte[] U32(uint value) => BitConverter.GetBytes(value);

    private static byte[] U64(long value) => BitConverter.GetBytes(value);
}
