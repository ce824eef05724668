using QkvMigrate.Attention;
using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>
/// Finds out from two plans, of which the second undoes the first, whether they lead back to the first's source byte for byte. No
/// tensor is read: its bytes come back where each piece of one plan is the inverse of a piece of the other.
/// </summary>
/// <param name="source">The file that the first plan is of.</param>
/// <param name="middle">What the first plan makes.</param>
/// <param name="back">The second plan, of the file that the first makes.</param>
internal sealed class UndoneFile(SourceFile source, PlannedBytes middle, FilePlan back)
{
    private readonly Dictionary<(RowPermutation, RowPermutation), bool> inverses = [];
    private readonly long[] patches = [.. back.Patches.Select(patch => patch.Target).Order()];

    /// <summary>Where the first byte stands that is another, or the first piece that is no inverse; null where the whole file comes back.</summary>
    /// <exception cref="MigrationException">The source cannot be read.</exception>
    public long? FindDifference()
    {
        if (MissingChecksum() is { } missing)
        {
            return missing;
        }

        foreach (var segment in back.Segments)
        {
            if (Difference(segment) is { } at)
            {
                return at;
            }
        }

        return back.Length == source.Length ? null : Math.Min(back.Length, source.Length);
    }

    /// <summary>
    /// Where the source has no checksum (0) of bytes over which the second plan puts one; null where there is no such place. One of
    /// some four thousand million checksums is 0 and taken for none.
    /// </summary>
    private long? MissingChecksum()
    {
        var fed = back.Segments.Where(segment => segment.Length > 0).Select(segment => segment.Checksum).ToHashSet();
        return back.Patches
            .Where(patch => fed.Contains(patch.Checksum) && patch.Target + sizeof(uint) <= source.Length)
            .Select(patch => (long?)patch.Target)
            .FirstOrDefault(target => !source.Read(target!.Value, sizeof(uint)).AsSpan().ContainsAnyExcept((byte)0));
    }

    private long? Difference(Segment segment) => segment switch
    {
        LiteralSegment literal => Compare(literal.Target, literal.Bytes.Span),
        CopySegment copy => Difference(copy),
        ReorderSegment reorder => IsInverse(reorder) ? null : reorder.Target,
        _ => segment.Target,
    };

    private long? Difference(CopySegment copy)
    {
        var at = copy.Target;
        foreach (var (segment, from, length) in middle.Parts(copy.Offset, copy.Length))
        {
            var difference = segment switch
            {
                LiteralSegment literal => Compare(at, literal.Bytes.Span.Slice((int)from, (int)length)),
                CopySegment first when first.Source == source && first.Offset + from == at => null,
                _ => (long?)at,
            };
            if (difference is not null)
            {
                return difference;
            }

            at += length;
        }

        return null;
    }

    /// <summary>
    /// Whether a block comes back. Both plans cut a file into the same blocks: they are those of its tensors.
    /// </summary>
    private bool IsInverse(ReorderSegment second) =>
        middle.Parts(second.Offset, second.Length).ToList() is [(ReorderSegment first, 0, var length)]
        && length == first.Length
        && first.Source == source
        && (first.Offset, first.Repetitions, first.RowBytes) == (second.Target, second.Repetitions, second.RowBytes)
        && AreInverse(first.Permutation, second.Permutation);

    private bool AreInverse(RowPermutation first, RowPermutation second)
    {
        if (!inverses.TryGetValue((first, second), out var known))
        {
            known = first.RowCount == second.RowCount && first.Inverse().Runs.SequenceEqual(second.Runs);
            inverses.Add((first, second), known);
        }

        return known;
    }

    /// <summary>
    /// The first byte of the source, from <paramref name="at"/> on, that differs. What a checksum is put over is left out: whether
    /// that of the source is right is found out when its bytes are read.
    /// </summary>
    private long? Compare(long at, ReadOnlySpan<byte> expected)
    {
        var there = (int)Math.Clamp(source.Length - at, 0, expected.Length);
        var actual = source.Read(at, there);
        for (var i = 0; i < there; i++)
        {
            if (actual[i] != expected[i] && !IsPatched(at + i))
            {
                return at + i;
            }
        }

        return there < expected.Length ? at + there : null;
    }

    private bool IsPatched(long at)
    {
        var before = SortedPlaces.LastUpTo(patches, at);
        return before >= 0 && at < patches[before] + sizeof(uint);
    }
}
