using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// Finds out of a plan what changes within the old file. What stays at its place is not touched; what moves within a range, and can
/// be moved back, becomes a step; what is new is written at the end.
/// </summary>
internal sealed class InPlacePlanner
{
    /// <summary>Bytes of a step that takes small blocks together.</summary>
    private const long LargestStep = 64 << 20;

    /// <summary>Of a small file a step takes an eighth, so that the journal needs a quarter of what moves, but no less than this.</summary>
    private const long SmallestStep = 1 << 20;

    /// <summary>Bytes without a tensor that may go to another place, which is behind all tensors; and of all that is written at the end.</summary>
    private const long MostShifted = 16 << 20;
    private const long MostMetadata = 128 << 20;

    /// <summary>Moves of single spans beyond which the journal would be larger than what it saves.</summary>
    private const int MostMoves = 1 << 20;

    private readonly FilePlan plan;
    private readonly SourceFile source;
    private readonly long? stepBytes;
    private readonly List<ByteRange> kept = [];
    private readonly List<BlockMove> moves = [];
    private readonly List<BlockMove> shifted = [];
    private readonly List<LiteralSegment> literals = [];

    private InPlacePlanner(FilePlan plan, SourceFile source, long? stepBytes)
    {
        this.plan = plan;
        this.source = source;
        this.stepBytes = stepBytes;
    }

    /// <summary>Makes the plan. What is written at the end is read and kept in memory; tensors are not read.</summary>
    /// <param name="plan">What the new file is made of.</param>
    /// <param name="source">The old file.</param>
    /// <exception cref="MigrationException">The new file is no such change of the old one, or that cannot be read.</exception>
    public static InPlacePlan Of(FilePlan plan, SourceFile source) => Of(plan, source, null);

    /// <summary>As above, with steps of a size that tests make tiny.</summary>
    internal static InPlacePlan Of(FilePlan plan, SourceFile source, long? stepBytes) => new InPlacePlanner(plan, source, stepBytes).Make();

    private InPlacePlan Make()
    {
        foreach (var segment in plan.Segments)
        {
            Sort(segment);
        }

        if (moves.Count > MostMoves)
        {
            throw Refused($"{moves.Count} rows with gaps between them would move one by one");
        }

        var blocks = Blocks();
        var body = ByteRange.Merged(kept.Concat(blocks.Select(block => block.Range)));
        var rest = ByteRange.Gaps(body, Math.Max(source.Length, plan.Length));
        if (rest.Sum(range => range.Length) is var metadata && metadata > MostMetadata)
        {
            throw Refused($"{metadata} bytes outside of the tensors would change, {MostMetadata} at most can");
        }

        return new InPlacePlan(
            source.Length,
            plan.Length,
            [.. Steps(blocks)],
            Before(InPlacePlan.Clip(rest, source.Length)),
            After(InPlacePlan.Clip(rest, plan.Length)),
            [.. Checksums()]);
    }

    private void Sort(Segment segment)
    {
        if (segment.Sources.Any(other => other != source))
        {
            throw Refused("its bytes come from another file as well");
        }

        switch (segment)
        {
            case CopySegment copy when copy.Offset == copy.Target:
                kept.Add(new ByteRange(copy.Target, copy.Length));
                break;
            case CopySegment copy:
                moves.Add(BlockMove.Span(copy.Target, copy.Offset, copy.Length));
                break;
            case ReorderSegment { Permutation.IsIdentity: true } still when still.Offset == still.Target:
                kept.Add(new ByteRange(still.Target, still.Length));
                break;
            case ReorderSegment reorder:
                moves.Add(new BlockMove(reorder.Target, reorder.Offset, reorder.Repetitions, reorder.RowBytes, reorder.Permutation));
                break;
            case LiteralSegment literal:
                literals.Add(literal);
                break;
            default:
                throw Refused("some of its bytes are computed anew");
        }
    }

    /// <summary>Moves whose places touch belong together. Those that are no permutation of their places are shifted.</summary>
    private List<MovedBlock> Blocks()
    {
        var blocks = new List<MovedBlock>();
        var together = new List<BlockMove>();
        var end = long.MinValue;
        foreach (var move in moves.OrderBy(Start))
        {
            if (Start(move) >= end)
            {
                Take();
            }

            together.Add(move);
            end = Math.Max(end, Math.Max(move.To.End, move.From.End));
        }

        Take();
        if (shifted.Sum(move => move.Length) is var bytes && (bytes > MostShifted || shifted.Exists(move => !move.IsSpan)))
        {
            throw Refused($"{bytes} bytes of it would go to another place");
        }

        return blocks;

        void Take()
        {
            if (together.Count > 0 && MovedBlock.Of(together) is var block)
            {
                if (block.IsPermutation())
                {
                    blocks.Add(block);
                }
                else
                {
                    shifted.AddRange(together);
                }
            }

            together = [];
        }
    }

    private static long Start(BlockMove move) => Math.Min(move.Target, move.Offset);

    private IEnumerable<InPlaceStep> Steps(List<MovedBlock> blocks)
    {
        var bound = stepBytes ?? Math.Clamp(blocks.Sum(block => block.Range.Length) / 8, SmallestStep, LargestStep);
        var step = new List<MovedBlock>();
        foreach (var block in blocks)
        {
            if (step.Count > 0 && step.Sum(taken => taken.Range.Length) + block.Range.Length > bound)
            {
                yield return new InPlaceStep([.. step]);
                step.Clear();
            }

            step.Add(block);
        }

        if (step.Count > 0)
        {
            yield return new InPlaceStep(step);
        }
    }

    private RangeImage Before(IReadOnlyList<ByteRange> ranges)
    {
        var image = RangeImage.Empty(ranges);
        var at = 0;
        foreach (var range in ranges)
        {
            source.Read(range.Start, image.Bytes.AsSpan(at, (int)range.Length));
            at += (int)range.Length;
        }

        return image;
    }

    private RangeImage After(IReadOnlyList<ByteRange> ranges)
    {
        var image = RangeImage.Empty(ranges);
        foreach (var literal in literals)
        {
            Put(literal.Target, literal.Bytes.Span);
        }

        foreach (var move in shifted)
        {
            Put(move.Target, source.Read(move.Offset, (int)move.Length));
        }

        return image;

        void Put(long position, ReadOnlySpan<byte> bytes)
        {
            if (!image.TryPut(position, bytes))
            {
                throw Refused($"new bytes would stand between the rows that move, at byte {position}");
            }
        }
    }

    private IEnumerable<PlannedChecksum> Checksums()
    {
        var fed = plan.Segments.Where(segment => segment.Checksum >= 0).ToLookup(segment => segment.Checksum);
        foreach (var patches in plan.Patches.GroupBy(patch => patch.Checksum))
        {
            var segments = fed[patches.Key].ToList();
            var range = segments.Count == 0 ? default : new ByteRange(segments[0].Target, segments.Sum(segment => segment.Length));
            yield return new PlannedChecksum(range, [.. patches.Select(patch => patch.Target)]);
        }
    }

    private MigrationException Refused(string problem) =>
        new(FailureKind.Unsupported, $"--journal cannot change this file in its place: {problem}; --in-place without it, or -o, writes a copy", source.Path);
}
