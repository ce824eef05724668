using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>The checksums of a plan while it is written: those that the new file is to give, and those that its sources give.</summary>
internal sealed class PlanChecksums
{
    private readonly FilePlan plan;
    private readonly PartedChecksum[] written;
    private readonly long[] ends;
    private readonly (PartedChecksum Sum, SourceChecksum Expected)?[] read;

    public PlanChecksums(FilePlan plan)
    {
        this.plan = plan;
        written = new PartedChecksum[plan.ChecksumCount];
        for (var i = 0; i < written.Length; i++)
        {
            written[i] = new PartedChecksum();
        }

        ends = new long[written.Length];
        foreach (var segment in plan.Segments.Where(segment => segment.Checksum >= 0))
        {
            ends[segment.Checksum] = segment.Target + segment.Length;
        }

        read = new (PartedChecksum, SourceChecksum)?[written.Length];
        foreach (var expected in plan.SourceChecksums)
        {
            read[expected.Checksum] = (new PartedChecksum(), expected);
        }
    }

    /// <summary>Takes bytes that were written to the new file at <paramref name="target"/>, for a checksum of the new file.</summary>
    public void Written(int checksum, long target, ReadOnlySpan<byte> bytes)
    {
        if (checksum >= 0)
        {
            written[checksum].Add(bytes, ends[checksum] - target - bytes.Length);
        }
    }

    /// <summary>Takes bytes that were read from <paramref name="source"/> at <paramref name="offset"/>, before their rows are permuted, for a checksum that the source gives.</summary>
    public void Read(int checksum, SourceFile source, long offset, ReadOnlySpan<byte> bytes)
    {
        if (checksum >= 0 && read[checksum] is { } record && record.Expected.Source == source)
        {
            record.Sum.Add(bytes, record.Expected.End - offset - bytes.Length);
        }
    }

    /// <summary>The bytes of a copy that has a checksum: they go from the source into the new file as they are.</summary>
    public void Copied(CopySegment copy, ReadOnlySpan<byte> bytes)
    {
        var crc = Crc32.HashToUInt32(bytes);
        written[copy.Checksum].Add(crc, ends[copy.Checksum] - copy.Target - bytes.Length);
        if (read[copy.Checksum] is { } record && record.Expected.Source == copy.Source)
        {
            record.Sum.Add(crc, record.Expected.End - copy.Offset - bytes.Length);
        }
    }

    /// <summary>Compares what was read with what the sources say of it.</summary>
    /// <exception cref="MigrationException">The bytes of a record are not those that were written once.</exception>
    public void CheckSources()
    {
        foreach (var (sum, expected) in read.OfType<(PartedChecksum, SourceChecksum)>())
        {
            if (sum.Value != expected.Crc)
            {
                throw expected.Damaged(sum.Value);
            }
        }
    }

    /// <summary>Where the bytes of a checksum of the new file end.</summary>
    public long EndOf(int checksum) => ends[checksum];

    /// <summary>Puts a checksum, all of whose bytes were seen, into the part of the new file that <paramref name="bytes"/> are, as far as it stands there.</summary>
    /// <param name="patch">Which checksum, and where it stands.</param>
    /// <param name="bytes">A part of the new file.</param>
    /// <param name="target">Where the part starts in the new file.</param>
    public void Patch(ChecksumPatch patch, Span<byte> bytes, long target)
    {
        Span<byte> crc = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(crc, written[patch.Checksum].Value);
        var first = Math.Max(patch.Target, target);
        var end = Math.Min(patch.Target + crc.Length, target + bytes.Length);
        if (first < end)
        {
            crc[(int)(first - patch.Target)..(int)(end - patch.Target)].CopyTo(bytes[(int)(first - target)..]);
        }
    }

    /// <summary>Puts the checksums into the new file.</summary>
    public void Patch(SafeFileHandle target)
    {
        Span<byte> crc = stackalloc byte[sizeof(uint)];
        foreach (var patch in plan.Patches)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(crc, written[patch.Checksum].Value);
            PositionedWrite.All(target, crc, patch.Target);
        }
    }
}
