using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The 64-bit numbers of a zip64 field in the order of APPNOTE.TXT 4.5.3: each is there only where the header's own field
/// holds the escape value.
/// </summary>
internal ref struct Zip64Numbers
{
    private ReadOnlySpan<byte> rest;

    private Zip64Numbers(ReadOnlySpan<byte> numbers) => rest = numbers;

    /// <summary>The numbers that a header's <paramref name="narrow"/> fields leave to the zip64 field.</summary>
    /// <exception cref="MigrationException">They are not all there, or beyond 63 bits.</exception>
    public static Zip64Numbers Of(ZipExtraArea fields, ReadOnlySpan<uint> narrow, string entry, long offset)
    {
        var length = narrow.Count(ZipFormat.Escape32) * sizeof(ulong);
        var payload = length == 0 ? [] : fields.Find(ZipFormat.Zip64ExtraId).GetValueOrDefault().Span;
        if (payload.Length < length)
        {
            throw ZipFailure.At(
                entry,
                offset,
                $"{length / sizeof(ulong)} numbers of the header are said to be in a zip64 field, which has {payload.Length} bytes");
        }

        for (var at = 0; at < length; at += sizeof(ulong))
        {
            if (BinaryPrimitives.ReadInt64LittleEndian(payload[at..]) < 0)
            {
                throw ZipFailure.At(entry, offset, "a number of the zip64 field is beyond 63 bits");
            }
        }

        return new Zip64Numbers(payload[..length]);
    }

    /// <summary>What one of the header's fields stands for; to be asked in their order.</summary>
    public long Resolve(uint narrow)
    {
        if (narrow != ZipFormat.Escape32)
        {
            return narrow;
        }

        var number = BinaryPrimitives.ReadInt64LittleEndian(rest);
        rest = rest[sizeof(ulong)..];
        return number;
    }
}
