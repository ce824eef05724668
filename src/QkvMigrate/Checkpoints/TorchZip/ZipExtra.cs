using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>One extra field of a zip header (APPNOTE.TXT 4.5): an id and its payload.</summary>
internal readonly record struct ZipExtra(ushort Id, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Cuts the extra area of a header into its fields.</summary>
    public static List<ZipExtra> Parse(ReadOnlyMemory<byte> area, string entry, long offset)
    {
        var fields = new List<ZipExtra>();
        while (area.Length > 0)
        {
            var span = area.Span;
            if (span.Length < 4 || BinaryPrimitives.ReadUInt16LittleEndian(span[2..]) > span.Length - 4)
            {
                throw ZipFailure.At(entry, offset, "an extra field is longer than the header's extra area");
            }

            var length = BinaryPrimitives.ReadUInt16LittleEndian(span[2..]);
            fields.Add(new ZipExtra(BinaryPrimitives.ReadUInt16LittleEndian(span), area.Slice(4, length)));
            area = area[(4 + length)..];
        }

        return fields;
    }

    /// <summary>
    /// The 64-bit numbers of a zip64 field in the order of APPNOTE.TXT 4.5.3: each is there only where the header's
    /// own field holds the escape value.
    /// </summary>
    public static long[] Zip64Numbers(List<ZipExtra> fields, int wanted, string entry, long offset)
    {
        if (wanted == 0)
        {
            return [];
        }

        var payload = fields.Find(field => field.Id == ZipFormat.Zip64ExtraId).Payload.Span;
        if (payload.Length < wanted * sizeof(ulong))
        {
            throw ZipFailure.At(entry, offset, $"{wanted} numbers of the header are said to be in a zip64 field, which has {payload.Length} bytes");
        }

        var numbers = new long[wanted];
        for (var i = 0; i < wanted; i++)
        {
            numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(payload[(i * sizeof(ulong))..]);
            if (numbers[i] < 0)
            {
                throw ZipFailure.At(entry, offset, "a number of the zip64 field is beyond 63 bits");
            }
        }

        return numbers;
    }

    /// <summary>The bytes of fields, one behind the other.</summary>
    public static byte[] Compose(IEnumerable<ZipExtra> fields)
    {
        using var area = new MemoryStream();
        Span<byte> head = stackalloc byte[4];
        foreach (var field in fields)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(head, field.Id);
            BinaryPrimitives.WriteUInt16LittleEndian(head[2..], checked((ushort)field.Payload.Length));
            area.Write(head);
            area.Write(field.Payload.Span);
        }

        return area.ToArray();
    }
}
