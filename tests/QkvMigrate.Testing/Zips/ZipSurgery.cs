using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace QkvMigrate.Testing.Zips;

/// <summary>Changes bytes of an entry and mends its CRC-32 everywhere, so that nothing but the change can be noticed.</summary>
internal static class ZipSurgery
{
    /// <summary>An entry of a zip whose bytes are in memory: its name, where its bytes are, where its CRC-32 stands.</summary>
    public sealed record Entry(string Name, int LocalHeader, int Start, int Length, int CentralHeader);

    public static List<Entry> Entries(byte[] zip)
    {
        var end = zip.Length - 22;
        var at = BinaryPrimitives.ReadInt32LittleEndian(zip.AsSpan(end + 16));
        var entries = new List<Entry>();
        for (var i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(end + 10)); i++)
        {
            var central = zip.AsSpan(at);
            var name = BinaryPrimitives.ReadUInt16LittleEndian(central[28..]);
            var local = BinaryPrimitives.ReadInt32LittleEndian(central[42..]);
            var start = local + 30 + BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(local + 26)) + BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(local + 28));
            entries.Add(new Entry(Encoding.UTF8.GetString(central.Slice(46, name)), local, start, BinaryPrimitives.ReadInt32LittleEndian(central[24..]), at));
            at += 46 + name + BinaryPrimitives.ReadUInt16LittleEndian(central[30..]) + BinaryPrimitives.ReadUInt16LittleEndian(central[32..]);
        }

        return entries;
    }

    public static Entry Find(byte[] zip, string name) => Entries(zip).Single(entry => entry.Name.EndsWith(name, StringComparison.Ordinal));

    public static byte[] Bytes(byte[] zip, Entry entry) => zip[entry.Start..(entry.Start + entry.Length)];

    /// <summary>A copy of <paramref name="zip"/> with the entry's bytes changed by <paramref name="change"/>.</summary>
    public static byte[] Edit(byte[] zip, Entry entry, Action<byte[]> change)
    {
        var bytes = Bytes(zip, entry);
        change(bytes);
        var copy = zip.ToArray();
        bytes.CopyTo(copy, entry.Start);
        Mend(copy, entry, bytes);
        return copy;
    }

    /// <summary>Puts a checksum into both headers of an entry without a data descriptor.</summary>
    public static void SetChecksum(byte[] zip, Entry entry, uint crc)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(entry.CentralHeader + 16), crc);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(entry.LocalHeader + 14), crc);
    }

    private static void Mend(byte[] zip, Entry entry, byte[] bytes)
    {
        var crc = Crc32.HashToUInt32(bytes);
        var old = BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(entry.CentralHeader + 16));
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(entry.CentralHeader + 16), crc);

        // In the local header, and in a data descriptor with its signature: wherever the old one stands.
        foreach (var at in new[] { entry.LocalHeader + 14, entry.Start + entry.Length + 4 })
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(at)) == old)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(at), crc);
            }
        }
    }
}
