using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The extra area of a zip header (APPNOTE.TXT 4.5). Its fields are cut out as they are asked for: there are two headers
/// for each entry, and most areas have one field of padding.
/// </summary>
internal readonly struct ZipExtraArea
{
    private readonly ReadOnlyMemory<byte> bytes;

    private ZipExtraArea(ReadOnlyMemory<byte> bytes) => this.bytes = bytes;

    /// <summary>The area of a header of <paramref name="entry"/> that stands at <paramref name="offset"/> of the file.</summary>
    /// <exception cref="MigrationException">A field is longer than what is left of the area.</exception>
    public static ZipExtraArea Parse(ReadOnlyMemory<byte> bytes, string entry, long offset)
    {
        for (var rest = bytes.Span; rest.Length > 0; rest = rest[(ZipExtra.HeadLength + PayloadLength(rest))..])
        {
            if (rest.Length < ZipExtra.HeadLength || PayloadLength(rest) > rest.Length - ZipExtra.HeadLength)
            {
                throw ZipFailure.At(entry, offset, "an extra field is longer than the header's extra area");
            }
        }

        return new ZipExtraArea(bytes);
    }

    /// <summary>The payload of the first field of <paramref name="id"/>, or null where there is none.</summary>
    public ReadOnlyMemory<byte>? Find(ushort id)
    {
        foreach (var field in this)
        {
            if (field.Id == id)
            {
                return field.Payload;
            }
        }

        return null;
    }

    /// <summary>Whether the two areas are the same bytes.</summary>
    public bool IsSame(ZipExtraArea other) => bytes.Span.SequenceEqual(other.bytes.Span);

    /// <summary>The fields that are asked for, in order.</summary>
    public List<ZipExtra> FindAll(Predicate<ZipExtra> isWanted)
    {
        var found = new List<ZipExtra>();
        foreach (var field in this)
        {
            if (isWanted(field))
            {
                found.Add(field);
            }
        }

        return found;
    }

    /// <summary>The fields, in order.</summary>
    public Enumerator GetEnumerator() => new(bytes);

    private static int PayloadLength(ReadOnlySpan<byte> field) => BinaryPrimitives.ReadUInt16LittleEndian(field[2..]);

    /// <summary>Cuts the fields out.</summary>
    public struct Enumerator
    {
        private ReadOnlyMemory<byte> rest;

        internal Enumerator(ReadOnlyMemory<byte> area) => rest = area;

        /// <summary>The field.</summary>
        public ZipExtra Current { get; private set; }

        /// <summary>Goes on to the next field.</summary>
        public bool MoveNext()
        {
            if (rest.Length == 0)
            {
                return false;
            }

            var payload = rest.Slice(ZipExtra.HeadLength, PayloadLength(rest.Span));
            Current = new ZipExtra(BinaryPrimitives.ReadUInt16LittleEndian(rest.Span), payload);
            rest = rest[(ZipExtra.HeadLength + payload.Length)..];
            return true;
        }
    }
}
