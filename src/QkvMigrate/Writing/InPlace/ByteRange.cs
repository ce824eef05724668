namespace QkvMigrate.Writing.InPlace;

/// <summary>A range of a file.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Length">How many bytes it has.</param>
internal readonly record struct ByteRange(long Start, long Length)
{
    /// <summary>The first byte behind it.</summary>
    public long End => Start + Length;

    /// <summary>The ranges in order, with those that touch or overlap made one.</summary>
    public static IReadOnlyList<ByteRange> Merged(IEnumerable<ByteRange> ranges)
    {
        var merged = new List<ByteRange>();
        foreach (var range in ranges.Where(range => range.Length > 0).OrderBy(range => range.Start))
        {
            if (merged.Count > 0 && merged[^1].End >= range.Start)
            {
                merged[^1] = new ByteRange(merged[^1].Start, Math.Max(merged[^1].End, range.End) - merged[^1].Start);
            }
            else
            {
                merged.Add(range);
            }
        }

        return merged;
    }

    /// <summary>What of the first <paramref name="length"/> bytes lies in none of <paramref name="ranges"/>, which are <see cref="Merged"/>.</summary>
    public static IReadOnlyList<ByteRange> Gaps(IReadOnlyList<ByteRange> ranges, long length)
    {
        var gaps = new List<ByteRange>();
        var done = 0L;
        foreach (var range in ranges)
        {
            gaps.Add(new ByteRange(done, range.Start - done));
            done = range.End;
        }

        gaps.Add(new ByteRange(done, length - done));
        return gaps.FindAll(gap => gap.Length > 0);
    }
}
