using System.Buffers.Binary;
using System.IO.Hashing;

namespace QkvMigrate.FilePlans;

/// <summary>
/// The new file of a plan, which nobody has written: its new bytes, and what it copies. Rows that move are zeros here, and so are the
/// checksums of what has such rows; no plan depends on them.
/// </summary>
internal sealed class PlannedBytes
{
    private readonly FilePlan plan;
    private readonly long[] starts;
    private readonly List<(long Target, byte[] Bytes)> patches = [];

    public PlannedBytes(FilePlan plan)
    {
        this.plan = plan;
        starts = [.. plan.Segments.Select(segment => segment.Target)];
        var fed = plan.Segments.Where(segment => segment.Checksum >= 0).ToLookup(segment => segment.Checksum);
        foreach (var patch in plan.Patches.Where(patch => fed[patch.Checksum].All(segment => segment is LiteralSegment)).OrderBy(patch => patch.Target))
        {
            var crc = new Crc32();
            foreach (var literal in fed[patch.Checksum].Cast<LiteralSegment>())
            {
                crc.Append(literal.Bytes.Span);
            }

            var bytes = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, crc.GetCurrentHashAsUInt32());
            patches.Add((patch.Target, bytes));
        }
    }

    /// <summary>The segments that make a range of the new file, in order; each with what of it lies in the range, from its own start on.</summary>
    public IEnumerable<(Segment Segment, long From, long Length)> Parts(long offset, long length)
    {
        for (var i = SortedPlaces.LastUpTo(starts, offset); length > 0; i++)
        {
            var segment = plan.Segments[i];
            var from = offset - segment.Target;
            var taken = Math.Min(length, segment.Length - from);
            if (taken > 0)
            {
                yield return (segment, from, taken);
            }

            offset += Math.Max(taken, 0);
            length -= Math.Max(taken, 0);
        }
    }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> of the new file on.</summary>
    /// <exception cref="MigrationException">A source cannot be read.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        var rest = buffer;
        foreach (var (segment, from, length) in Parts(offset, buffer.Length))
        {
            var part = rest[..(int)length];
            switch (segment)
            {
                case LiteralSegment literal:
                    literal.Bytes.Span.Slice((int)from, part.Length).CopyTo(part);
                    break;
                case CopySegment copy:
                    copy.Source.Read(copy.Offset + from, part);
                    break;
                default:
                    part.Clear();
                    break;
            }

            rest = rest[part.Length..];
        }

        foreach (var (target, bytes) in patches)
        {
            var (first, end) = (Math.Max(target, offset), Math.Min(target + bytes.Length, offset + buffer.Length));
            if (first < end)
            {
                bytes.AsSpan((int)(first - target), (int)(end - first)).CopyTo(buffer[(int)(first - offset)..]);
            }
        }
    }
}
