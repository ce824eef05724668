using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>The checksums of a layout while it is written: those that the new file is to give, and those that its source gives.</summary>
internal sealed class PlanChecksums
{
    private readonly FilePlan layout;
    private readonly PartedChecksum[] written;
    private readonly long[] ends;
    private readonly (PartedChecksum Sum, SourceChecksum Expected)?[] read;

    public PlanChecksums(FilePlan layout)
    {
        this.layout = layout;
        written = new PartedChecksum[layout.ChecksumCount];
        for (var i = 0; i < written.Length; i++)
        {
            written[i] = new PartedChecksum();
        }

        ends = new long[written.Length];
        foreach (var segment in layout.Segments.Where(segment => segment.Checksum >= 0))
        {
            ends[segment.Checksum] = segment.Target + segment.Length;
        }

        read = new (PartedChecksum, SourceChecksum)?[written.Length];
        foreach (var expected in layout.SourceChecksums)
        {
            read[expected.Checksum] = (new PartedChecksum(), expected);
        }
    }

    /// <summary>Bytes of a checksum that the new file has at <paramref name="target"/>.</summary>
    public void Written(int checksum, long target, ReadOnlySpan<byte> bytes)
    {
        if (checksum >= 0)
        {
            written[checksum].Add(bytes, ends[checksum] - target - bytes.Length);
        }
    }

    /// <summary>Bytes of a checksum that the source has at <paramref name="offset"/>, whose rows are yet to be permuted.</summary>
    public void Read(int checksum, long offset, ReadOnlySpan<byte> bytes)
    {
        if (checksum >= 0 && read[checksum] is { } source)
        {
            source.Sum.Add(bytes, source.Expected.End - offset - bytes.Length);
        }
    }

    /// <summary>Bytes of a checksum that go from the source into the new file as they are.</summary>
    public void Copied(int checksum, long offset, long target, ReadOnlySpan<byte> bytes)
    {
        if (checksum >= 0)
        {
            var crc = Crc32.HashToUInt32(bytes);
            written[checksum].Add(crc, ends[checksum] - target - bytes.Length);
            if (read[checksum] is { } source)
            {
                source.Sum.Add(crc, source.Expected.End - offset - bytes.Length);
            }
        }
    }

    /// <summary>Compares what was read with what the source says of it.</summary>
    /// <exception cref="MigrationException">Its bytes are not those that were written once.</exception>
    public void CheckSource(SourceFile source)
    {
        foreach (var (sum, expected) in read.OfType<(PartedChecksum, SourceChecksum)>())
        {
            if (sum.Value != expected.Crc)
            {
                throw expected.Damaged(source.Path, sum.Value);
            }
        }
    }

    /// <summary>Puts the checksums into the new file.</summary>
    public void Patch(SafeFileHandle target)
    {
        Span<byte> crc = stackalloc byte[sizeof(uint)];
        foreach (var patch in layout.Patches)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(crc, written[patch.Checksum].Value);
            Posix.Write(target, crc, patch.Target);
        }
    }
}
