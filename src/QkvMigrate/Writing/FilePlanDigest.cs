using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// The SHA-256 of the file that a plan would write, of which nothing is written. One thread makes the bytes in the order of
/// the file, another hashes them. A checksum that stands before its bytes, as in the headers of PyTorch's zips, has
/// these made once more.
/// </summary>
internal sealed class FilePlanDigest : IDisposable
{
    private readonly FilePlan plan;
    private readonly int slabBytes;
    private readonly DigestQueue digest;
    private readonly CancellationToken cancellation;
    private readonly PlanChecksums checksums;
    private readonly PieceBytes pieces;
    private readonly Queue<ChecksumPatch> patches;
    private readonly HashSet<int> early;
    private readonly ILookup<int, Segment> segments;

    private FilePlanDigest(FilePlan plan, int slabBytes, DigestQueue digest, CancellationToken cancellation)
    {
        this.plan = plan;
        this.slabBytes = slabBytes;
        this.digest = digest;
        this.cancellation = cancellation;
        checksums = new PlanChecksums(plan);
        pieces = new PieceBytes(checksums, () => new StreamReorderEngine().CreateLane(slabBytes), slabBytes);
        patches = new Queue<ChecksumPatch>(plan.Patches.OrderBy(patch => patch.Target));
        early = [.. plan.Patches.Where(patch => patch.Target < checksums.EndOf(patch.Checksum)).Select(patch => patch.Checksum)];
        segments = plan.Segments.Where(segment => early.Contains(segment.Checksum)).ToLookup(segment => segment.Checksum);
    }

    /// <summary>The digest, as <see cref="FileDigest"/> writes it. The sources stay the same meanwhile.</summary>
    /// <exception cref="MigrationException">A source ends too early, is damaged, cannot be read, or changes.</exception>
    public static string Of(FilePlan plan, CancellationToken cancellation) => Of(plan, FilePlanWriter.SlabBytes, cancellation);

    /// <summary>As above, with slabs of a size that tests make tiny.</summary>
    internal static string Of(FilePlan plan, int slabBytes, CancellationToken cancellation)
    {
        var result = "";
        UnchangedSources.During(
            plan.Sources,
            () => result = DigestQueue.Run(
                slabBytes,
                queue =>
                {
                    using var making = new FilePlanDigest(plan, slabBytes, queue, cancellation);
                    making.Make();
                }));
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => pieces.Dispose();

    private void Make()
    {
        var finished = new HashSet<int>();
        foreach (var segment in plan.Segments)
        {
            foreach (var piece in PieceQueue.InSlabs(segment, slabBytes))
            {
                cancellation.ThrowIfCancellationRequested();
                for (; patches.TryPeek(out var patch) && patch.Target < piece.Target + piece.Length; patches.Dequeue())
                {
                    if (early.Contains(patch.Checksum) && finished.Add(patch.Checksum))
                    {
                        Sum(patch.Checksum);
                    }

                    digest.Patch(patch, checksums);
                }

                // What was summed up before is not added a second time.
                pieces.Make(early.Contains(piece.Checksum) ? piece with { Checksum = -1 } : piece, (_, bytes) => digest.Append(bytes), cancellation);
            }
        }

        checksums.CheckSources();
    }

    /// <summary>Makes the bytes of a checksum for its sake alone.</summary>
    private void Sum(int checksum)
    {
        foreach (var piece in segments[checksum].SelectMany(segment => PieceQueue.InSlabs(segment, slabBytes)))
        {
            cancellation.ThrowIfCancellationRequested();
            pieces.Make(piece, static (_, _) => { }, cancellation);
        }
    }
}
