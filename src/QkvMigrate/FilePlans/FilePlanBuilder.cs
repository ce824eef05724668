using System.Buffers;
using QkvMigrate.Attention;
using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>
/// Lays the pieces of a new file one behind the other. Neighbouring ranges of one source become one piece, and so do new
/// bytes: a zip of many small entries has hardly more than headers.
/// </summary>
internal sealed class FilePlanBuilder
{
    /// <summary>New bytes beyond which a piece takes no more.</summary>
    private const int LiteralBytes = 64 << 10;

    private readonly List<Segment> segments = [];
    private readonly ArrayBufferWriter<byte> literal = new(4 << 10);
    private readonly List<ChecksumPatch> patches = [];
    private readonly List<SourceChecksum> sourceChecksums = [];
    private long copiedRowBytes;
    private int checksums;
    private int checksum = -1;

    /// <summary>Where the next piece will start.</summary>
    public long Position { get; private set; }

    /// <summary>Starts a checksum over the pieces that follow, until <see cref="EndChecksum"/>.</summary>
    public int BeginChecksum()
    {
        EndLiteral();
        return checksum = checksums++;
    }

    /// <summary>The pieces that follow go into no checksum.</summary>
    public void EndChecksum()
    {
        EndLiteral();
        checksum = -1;
    }

    /// <summary>Has the CRC-32 of <paramref name="number"/> written at <paramref name="target"/>.</summary>
    public void Patch(int number, long target) => patches.Add(new ChecksumPatch(number, target));

    /// <summary>Has what is read of a source for a checksum compared with what that source says of it.</summary>
    public void Expect(SourceChecksum expected) => sourceChecksums.Add(expected);

    /// <summary>Lays down bytes of a source, from <paramref name="offset"/> on.</summary>
    public void Copy(SourceFile source, long offset, long length)
    {
        if (length == 0)
        {
            return;
        }

        EndLiteral();
        if (segments.Count > 0
            && segments[^1] is CopySegment last
            && last.Checksum == checksum
            && last.Source == source
            && last.Offset + last.Length == offset)
        {
            segments[^1] = last with { Length = last.Length + length };
            Position += length;
        }
        else
        {
            Add(new CopySegment(Position, length, checksum, source, offset));
        }
    }

    /// <summary>Lays down a row of a block that moves by copies, or a part of one.</summary>
    public void CopyRow(SourceFile source, long offset, long length)
    {
        Copy(source, offset, length);
        copiedRowBytes += length;
    }

    /// <summary>Lays down new bytes.</summary>
    public void Literal(ReadOnlyMemory<byte> bytes)
    {
        if (literal.WrittenCount + bytes.Length > LiteralBytes)
        {
            EndLiteral();
        }

        if (bytes.Length > LiteralBytes)
        {
            segments.Add(new LiteralSegment(Position, checksum, bytes));
        }
        else
        {
            literal.Write(bytes.Span);
        }

        Position += bytes.Length;
    }

    /// <summary>Lays down a block of a source, which starts at <paramref name="offset"/>, with its rows permuted.</summary>
    public void Reorder(SourceFile source, long offset, long repetitions, long rowBytes, RowPermutation permutation) =>
        Add(new ReorderSegment(Position, checksum, source, offset, repetitions, rowBytes, permutation));

    /// <summary>Lays down bytes that are computed while they are written.</summary>
    public void Computed(ComputedBytes bytes)
    {
        if (bytes.Length > 0)
        {
            Add(new ComputedSegment(Position, checksum, bytes));
        }
    }

    /// <summary>The finished plan.</summary>
    public FilePlan Build()
    {
        EndLiteral();
        return new(Position, segments, patches) { SourceChecksums = sourceChecksums, CopiedRowBytes = copiedRowBytes };
    }

    private void EndLiteral()
    {
        if (literal.WrittenCount > 0)
        {
            segments.Add(new LiteralSegment(Position - literal.WrittenCount, checksum, literal.WrittenSpan.ToArray()));
            literal.ResetWrittenCount();
        }
    }

    private void Add(Segment segment)
    {
        EndLiteral();
        segments.Add(segment);
        Position += segment.Length;
    }
}
