using QkvMigrate.FilePlans;

namespace QkvMigrate.Writing;

/// <summary>
/// The segments of a plan, cut into pieces that one thread writes at a time. Threads take the next piece from here until
/// none is left; half of them begin with what the kernel copies, so that such work is there while an engine is made.
/// </summary>
internal sealed class PieceQueue(FilePlan plan, int slabBytes) : IDisposable
{
    /// <summary>Bytes that the kernel copies at once: what the disk is set to write, and what passes between two looks at a cancellation.</summary>
    private const long CopyBytes = 16 << 20;

    private readonly Lock gate = new();
    private readonly IEnumerator<Segment> copies = Pieces(plan.Segments.Where(IsPlainCopy), slabBytes);
    private readonly IEnumerator<Segment> others = Pieces(plan.Segments.Where(segment => !IsPlainCopy(segment)), slabBytes);

    /// <summary>Takes a piece, or null where none is left. Reorders come as slabs.</summary>
    /// <param name="copiesFirst">Whether copies without a checksum are preferred, or everything else is.</param>
    public Segment? Take(bool copiesFirst)
    {
        var (first, second) = copiesFirst ? (copies, others) : (others, copies);
        lock (gate)
        {
            return first.MoveNext() ? first.Current
                : second.MoveNext() ? second.Current
                : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        copies.Dispose();
        others.Dispose();
    }

    /// <summary>A segment in pieces that fit a buffer of <paramref name="slabBytes"/>, as far as they need one, in the order of the new file.</summary>
    public static IEnumerable<Segment> InSlabs(Segment segment, int slabBytes) => segment switch
    {
        CopySegment copy => Parts(copy, slabBytes),
        ReorderSegment reorder => SlabCutter.Cut(reorder, slabBytes),
        _ => [segment],
    };

    private static bool IsPlainCopy(Segment segment) => segment is CopySegment { Checksum: < 0 };

    private static IEnumerator<Segment> Pieces(IEnumerable<Segment> segments, int slabBytes) =>
        segments.SelectMany(segment => Cut(segment, slabBytes)).GetEnumerator();

    private static IEnumerable<Segment> Cut(Segment segment, int slabBytes) =>
        segment is CopySegment { Checksum: < 0 } copy ? Parts(copy, CopyBytes) : InSlabs(segment, slabBytes);

    private static IEnumerable<Segment> Parts(CopySegment copy, long most)
    {
        for (var done = 0L; done < copy.Length; done += most)
        {
            yield return copy with { Target = copy.Target + done, Length = Math.Min(most, copy.Length - done), Offset = copy.Offset + done };
        }
    }
}
