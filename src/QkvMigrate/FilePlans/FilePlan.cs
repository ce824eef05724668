using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>A place in the new file where a CRC-32 is written as four little-endian bytes, once all of its bytes were seen.</summary>
/// <param name="Checksum">The checksum's number.</param>
/// <param name="Target">The place in the new file.</param>
public readonly record struct ChecksumPatch(int Checksum, long Target);

/// <summary>What a new file is made of: pieces of one source or of several. Pure data: writing it takes no further decision.</summary>
/// <param name="Length">Bytes of the new file.</param>
/// <param name="Segments">The pieces in order; together they cover the file exactly.</param>
/// <param name="Patches">Places that hold zeros until their checksum is known.</param>
public sealed record FilePlan(long Length, IReadOnlyList<Segment> Segments, IReadOnlyList<ChecksumPatch> Patches)
{
    /// <summary>What the sources' own checksums must turn out to be while they are read.</summary>
    public IReadOnlyList<SourceChecksum> SourceChecksums { get; init; } = [];

    /// <summary>Bytes of its copies that are rows in their new places: rows with gaps between them move so, without an engine.</summary>
    internal long CopiedRowBytes { get; init; }

    /// <summary>How many checksums there are: those that segments feed, and those of no bytes, which only a patch asks for.</summary>
    public int ChecksumCount
    {
        get
        {
            var highest = -1;
            foreach (var segment in Segments)
            {
                highest = Math.Max(highest, segment.Checksum);
            }

            foreach (var patch in Patches)
            {
                highest = Math.Max(highest, patch.Checksum);
            }

            return highest + 1;
        }
    }

    /// <summary>Every file that is read for the new one, once, in the order in which it is needed first.</summary>
    public IReadOnlyList<SourceFile> Sources => [.. Segments.SelectMany(segment => segment.Sources).Distinct()];
}
