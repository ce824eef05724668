using QkvMigrate.FilePlans;

namespace QkvMigrate.Writing.InPlace;

/// <summary>The bytes of some ranges of a file, in memory: what is no tensor of a checkpoint.</summary>
internal sealed class RangeImage
{
    private readonly long[] starts;
    private readonly int[] places;

    /// <summary>An image of bytes that are known.</summary>
    /// <param name="ranges">The ranges, in order and apart.</param>
    /// <param name="bytes">Their bytes, one range behind the other.</param>
    public RangeImage(IReadOnlyList<ByteRange> ranges, byte[] bytes)
    {
        Ranges = ranges;
        Bytes = bytes;
        starts = [.. ranges.Select(range => range.Start)];
        places = new int[ranges.Count];
        for (var i = 1; i < places.Length; i++)
        {
            places[i] = places[i - 1] + (int)ranges[i - 1].Length;
        }
    }

    /// <summary>The ranges.</summary>
    public IReadOnlyList<ByteRange> Ranges { get; }

    /// <summary>Their bytes, one range behind the other.</summary>
    public byte[] Bytes { get; }

    /// <summary>An image of zeros.</summary>
    public static RangeImage Empty(IReadOnlyList<ByteRange> ranges) => new(ranges, new byte[ranges.Sum(range => range.Length)]);

    /// <summary>The bytes of a range.</summary>
    /// <param name="number">Which of <see cref="Ranges"/>.</param>
    public Span<byte> Of(int number) => Bytes.AsSpan(places[number], (int)Ranges[number].Length);

    /// <summary>Puts bytes at a place of the file; false where they are not all in one range.</summary>
    public bool TryPut(long position, ReadOnlySpan<byte> bytes)
    {
        var number = SortedPlaces.LastUpTo(starts, position);
        if (number < 0 || position + bytes.Length > Ranges[number].End)
        {
            return bytes.IsEmpty;
        }

        bytes.CopyTo(Of(number)[(int)(position - starts[number])..]);
        return true;
    }

    /// <summary>Puts what the image has of a part of the file over what is there.</summary>
    /// <param name="position">Where the part starts.</param>
    /// <param name="buffer">The part.</param>
    public void Overlay(long position, Span<byte> buffer)
    {
        for (var number = Math.Max(SortedPlaces.LastUpTo(starts, position), 0); number < starts.Length && starts[number] < position + buffer.Length; number++)
        {
            var (first, end) = (Math.Max(starts[number], position), Math.Min(Ranges[number].End, position + buffer.Length));
            if (first < end)
            {
                Of(number)[(int)(first - starts[number])..(int)(end - starts[number])].CopyTo(buffer[(int)(first - position)..]);
            }
        }
    }
}
