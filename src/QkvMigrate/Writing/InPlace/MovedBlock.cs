using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing.InPlace;

/// <summary>A range of a file within which bytes change their places. No byte enters it or leaves it; what no move names stays.</summary>
/// <param name="Range">The range.</param>
/// <param name="Moves">The moves, in the order of their places in the new file.</param>
internal sealed record MovedBlock(ByteRange Range, IReadOnlyList<BlockMove> Moves)
{
    private readonly long[] targets = [.. Moves.Select(move => move.Target)];

    /// <summary>The block of some moves, in any order.</summary>
    public static MovedBlock Of(IReadOnlyList<BlockMove> moves)
    {
        var hull = ByteRange.Merged(moves.SelectMany(move => new[] { move.To, move.From }));
        return new MovedBlock(new ByteRange(hull[0].Start, hull[^1].End - hull[0].Start), [.. moves.OrderBy(move => move.Target)]);
    }

    /// <summary>Whether the moves take each byte of theirs to one place, and give each place one byte: the block can be made back.</summary>
    public bool IsPermutation() =>
        Moves.All(move => Holds(move.Target, move.Length) && Holds(move.Offset, move.Length))
        && AreApart(Moves.Select(move => move.To))
        && AreApart(Moves.Select(move => move.From).OrderBy(range => range.Start))
        && ByteRange.Merged(Moves.Select(move => move.To)).SequenceEqual(ByteRange.Merged(Moves.Select(move => move.From)));

    /// <summary>The block with the moves that take all back.</summary>
    public MovedBlock Inverse() => new(Range, [.. Moves.Select(move => move.Inverse()).OrderBy(move => move.Target)]);

    /// <summary>The pieces of a plan that make the whole range from <paramref name="source"/>, which is as the old file is.</summary>
    public IEnumerable<Segment> Segments(SourceFile source)
    {
        var done = Range.Start;
        foreach (var move in Moves)
        {
            if (move.Target > done)
            {
                yield return new CopySegment(done, move.Target - done, -1, source, done);
            }

            yield return move.ToSegment(source);
            done = move.To.End;
        }

        if (done < Range.End)
        {
            yield return new CopySegment(done, Range.End - done, -1, source, done);
        }
    }

    /// <summary>Where the byte of the new file at <paramref name="position"/>, which is in the range, stands in the old one, and how many stand there one behind the other.</summary>
    public (long Offset, long Length) Find(long position)
    {
        var number = SortedPlaces.LastUpTo(targets, position);
        if (number >= 0 && position < Moves[number].To.End)
        {
            return Moves[number].Find(position);
        }

        return (position, (number + 1 < targets.Length ? targets[number + 1] : Range.End) - position);
    }

    private bool Holds(long start, long length) => start >= Range.Start && start <= Range.End && length <= Range.End - start;

    private static bool AreApart(IEnumerable<ByteRange> inOrder)
    {
        var end = long.MinValue;
        foreach (var range in inOrder)
        {
            if (range.Start < end)
            {
                return false;
            }

            end = range.End;
        }

        return true;
    }
}
