using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>A part of a reorder segment that fits a lane: what to read, how to permute it, and where the result goes.</summary>
/// <param name="Target">Where the permuted bytes start in the new file.</param>
/// <param name="Checksum">The checksum that its bytes go into, or −1.</param>
/// <param name="Source">The file to read.</param>
/// <param name="Ranges">What to read, one range behind the other into the lane's input, in the source's order.</param>
/// <param name="Gather">What the engine does with them.</param>
internal sealed record Slab(long Target, int Checksum, SourceFile Source, IReadOnlyList<SlabRange> Ranges, Gather Gather)
    : Segment(Target, Gather.ByteCount, Checksum);
