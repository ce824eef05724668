using QkvMigrate.Attention;
using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>A piece of a new file. Pieces stand one behind the other, from the file's first byte to its last.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
public abstract record Segment(long Target, long Length, int Checksum)
{
    /// <summary>The files that are read for the piece.</summary>
    public virtual IReadOnlyList<SourceFile> Sources => [];
}

/// <summary>Bytes of a source as they are.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Source">The file that has them.</param>
/// <param name="Offset">Where they start in that file.</param>
public sealed record CopySegment(long Target, long Length, int Checksum, SourceFile Source, long Offset) : Segment(Target, Length, Checksum)
{
    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => [Source];
}

/// <summary>New bytes: headers, a pickle.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Bytes">The bytes.</param>
public sealed record LiteralSegment(long Target, int Checksum, ReadOnlyMemory<byte> Bytes) : Segment(Target, Bytes.Length, Checksum);

/// <summary>A block of a source with its rows permuted; bytes of shape <c>(Repetitions, Permutation.RowCount, RowBytes)</c>.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Source">The file that has the block.</param>
/// <param name="Offset">Where the block starts in that file.</param>
/// <param name="Repetitions">How often the permutation is repeated.</param>
/// <param name="RowBytes">Bytes of one row.</param>
/// <param name="Permutation">The source rows in the order of the destination.</param>
public sealed record ReorderSegment(long Target, int Checksum, SourceFile Source, long Offset, long Repetitions, long RowBytes, RowPermutation Permutation)
    : Segment(Target, checked(Repetitions * Permutation.RowCount * RowBytes), Checksum)
{
    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => [Source];
}

/// <summary>Bytes that are computed while they are written.</summary>
/// <param name="Target">Where the piece starts in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Bytes">What computes them.</param>
public sealed record ComputedSegment(long Target, int Checksum, ComputedBytes Bytes) : Segment(Target, Bytes.Length, Checksum)
{
    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => Bytes.Sources;
}
