using System.Buffers.Binary;
using System.IO.Hashing;
using QkvMigrate.FilePlans;
using Xunit;

namespace QkvMigrate.Tests.Support;

/// <summary>Carries out a plan in memory, row by row: what the executor must come to.</summary>
internal static class NaiveLayout
{
    public static byte[] Apply(FilePlan layout)
    {
        var result = new byte[layout.Length];
        var checksums = Enumerable.Range(0, layout.ChecksumCount).Select(_ => new Crc32()).ToList();
        var end = 0L;
        foreach (var segment in layout.Segments)
        {
            Assert.Equal(end, segment.Target);
            end += segment.Length;
            var bytes = Bytes(segment);
            Assert.Equal(segment.Length, bytes.Length);
            bytes.CopyTo(result, segment.Target);
            if (segment.Checksum >= 0)
            {
                checksums[segment.Checksum].Append(bytes);
            }
        }

        Assert.Equal(layout.Length, end);
        foreach (var patch in layout.Patches)
        {
            var place = result.AsSpan((int)patch.Target);
            Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(place));
            BinaryPrimitives.WriteUInt32LittleEndian(place, checksums[patch.Checksum].GetCurrentHashAsUInt32());
        }

        return result;
    }

    private static byte[] Bytes(Segment segment)
    {
        switch (segment)
        {
            case LiteralSegment literal:
                return literal.Bytes.ToArray();
            case CopySegment copy:
                return copy.Source.Read(copy.Offset, (int)copy.Length);
            case ReorderSegment reorder:
                return Reordered(reorder, reorder.Source.Read(reorder.Offset, (int)reorder.Length));
            case ComputedSegment computed:
                var bytes = new List<byte>();
                computed.Bytes.Compute(part => bytes.AddRange(part), CancellationToken.None);
                return [.. bytes];
            default:
                throw new ArgumentException($"a {segment.GetType().Name} is not known", nameof(segment));
        }
    }

    private static byte[] Reordered(ReorderSegment reorder, byte[] block)
    {
        var (rows, unit) = (reorder.Permutation.RowCount, (int)reorder.RowBytes);
        var result = new List<byte>();
        for (var outer = 0; outer < reorder.Repetitions; outer++)
        {
            foreach (var row in reorder.Permutation.Runs.SelectMany(run => Enumerable.Range(run.Start, run.Length)))
            {
                result.AddRange(block.AsSpan(((outer * rows) + row) * unit, unit));
            }
        }

        return [.. result];
    }
}
