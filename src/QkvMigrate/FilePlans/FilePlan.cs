using QkvMigrate.Attention;

namespace QkvMigrate.FilePlans;

/// <summary>A piece of a rewritten file. Pieces stand one behind the other, from the file's first byte to its last.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
public abstract record Segment(long Target, long Length, int Checksum);

/// <summary>Bytes of the source as they are.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Source">Where they stand in the source.</param>
public sealed record CopySegment(long Target, long Length, int Checksum, long Source) : Segment(Target, Length, Checksum);

/// <summary>New bytes: headers, a pickle.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Bytes">The bytes.</param>
public sealed record LiteralSegment(long Target, int Checksum, ReadOnlyMemory<byte> Bytes) : Segment(Target, Bytes.Length, Checksum);

/// <summary>A block of the source with its rows permuted; bytes of shape <c>(Outer, permutation.RowCount, UnitBytes)</c>.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Source">Where the block starts in the source.</param>
/// <param name="Outer">How often the permutation is repeated.</param>
/// <param name="UnitBytes">Bytes of one row.</param>
/// <param name="Permutation">The source rows in the order of the destination.</param>
public sealed record ReorderSegment(long Target, int Checksum, long Source, long Outer, long UnitBytes, RowPermutation Permutation)
    : Segment(Target, checked(Outer * Permutation.RowCount * UnitBytes), Checksum);

/// <summary>Bytes that are worked out when they are written.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Bytes">What works them out.</param>
public sealed record ComputedSegment(long Target, int Checksum, ComputedBytes Bytes) : Segment(Target, Bytes.Length, Checksum);

/// <summary>Where a CRC-32, once its bytes have gone by, is written as four little-endian bytes.</summary>
/// <param name="Checksum">The checksum's number.</param>
/// <param name="Target">The place in the new file.</param>
public readonly record struct ChecksumPatch(int Checksum, long Target);

/// <summary>
/// What the source says of bytes that are read for a checksum: all of a record's, each once, whatever place in the new
/// file it goes to.
/// </summary>
/// <param name="Checksum">The number of the checksum whose segments read them.</param>
/// <param name="Entry">The record's name.</param>
/// <param name="Offset">Where it starts in the source.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Crc">Its CRC-32.</param>
public readonly record struct SourceChecksum(int Checksum, string Entry, long Offset, long Length, uint Crc)
{
    /// <summary>Where the record ends in the source.</summary>
    public long End => Offset + Length;

    /// <summary>The failure of a source whose bytes are no longer those that its checksum was made of.</summary>
    /// <param name="source">The source's path.</param>
    /// <param name="computed">The CRC-32 of what was read.</param>
    internal MigrationException Damaged(string source, uint computed) =>
        new(FailureKind.Malformed, $"its bytes have CRC-32 {computed:x8}, the file gives {Crc:x8}: it is damaged", source, Entry, Offset);
}

/// <summary>What a rewritten file is made of. Pure data: writing it takes no further decision.</summary>
/// <param name="Length">Bytes of the new file.</param>
/// <param name="Segments">The pieces in order; together they cover the file exactly.</param>
/// <param name="Patches">Places that hold zeros until their checksum is known.</param>
public sealed record FilePlan(long Length, IReadOnlyList<Segment> Segments, IReadOnlyList<ChecksumPatch> Patches)
{
    /// <summary>What the source's own checksums must turn out to be while it is read.</summary>
    public IReadOnlyList<SourceChecksum> SourceChecksums { get; init; } = [];

    /// <summary>How many checksums there are: those that segments feed, and those of no bytes, which only a patch asks for.</summary>
    public int ChecksumCount => Segments.Select(segment => segment.Checksum).Concat(Patches.Select(patch => patch.Checksum)).Append(-1).Max() + 1;
}
