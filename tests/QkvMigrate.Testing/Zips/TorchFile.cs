using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace QkvMigrate.Testing.Zips;

/// <summary>Writes a zip as PyTorch lays it out: entries stored, data on multiples of 64 by padding with "FB" and Z.</summary>
internal static class TorchFile
{
    private const int Alignment = 64;

    public static byte[] Write(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        using var file = new MemoryStream();
        using var directory = new MemoryStream();
        var count = 0;
        foreach (var (name, bytes) in entries)
        {
            var offset = (uint)file.Position;
            var title = Encoding.UTF8.GetBytes(name);
            var padding = (int)((Alignment - ((offset + 30 + title.Length + 4) % Alignment)) % Alignment);
            file.Write(Header(0x04034b50, 30, title, bytes, extra: 4 + padding, central: false, offset));
            file.Write([(byte)'F', (byte)'B', (byte)padding, 0, .. Enumerable.Repeat((byte)'Z', padding)]);
            file.Write(bytes);
            directory.Write(Header(0x02014b50, 46, title, bytes, extra: 0, central: true, offset));
            count++;
        }

        var end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(8), (ushort)count);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(10), (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)directory.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)file.Position);
        return [.. file.ToArray(), .. directory.ToArray(), .. end];
    }

    private static byte[] Header(uint signature, int length, byte[] name, byte[] bytes, int extra, bool central, uint offset)
    {
        byte[] header = [.. new byte[length], .. name];
        var shift = central ? 2 : 0;
        BinaryPrimitives.WriteUInt32LittleEndian(header, signature);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(14 + shift), Crc32.HashToUInt32(bytes));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(18 + shift), (uint)bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(22 + shift), (uint)bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(26 + shift), (ushort)name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28 + shift), (ushort)extra);
        if (central)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(42), offset);
        }

        return header;
    }
}
