using QkvMigrate.FilePlans;

namespace QkvMigrate.Testing.Zips;

/// <summary>The bytes of a file of any size that is zero almost everywhere: what is not, in pieces.</summary>
internal sealed class SparseBytes
{
    private readonly List<(long Offset, byte[] Bytes)> pieces = [];

    public long Length { get; private set; }

    public void Put(byte[] bytes)
    {
        if (bytes.Length > 0)
        {
            pieces.Add((Length, bytes));
            Length += bytes.Length;
        }
    }

    public void Skip(long length) => Length += length;

    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        foreach (var piece in pieces)
        {
            piece.Bytes.CopyTo(bytes, piece.Offset);
        }

        return bytes;
    }

    /// <summary>Every byte that is not zero, with its place.</summary>
    public IEnumerable<(long Offset, byte Value)> NonZero() =>
        pieces.SelectMany(piece => piece.Bytes.Select((value, index) => (piece.Offset + index, value))).Where(place => place.value != 0);

    /// <summary>Writes the file; where nothing was put it has holes.</summary>
    public string Save(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, Length);
        foreach (var piece in pieces)
        {
            RandomAccess.Write(file, piece.Bytes, piece.Offset);
        }

        return path;
    }

    /// <summary>The file that a layout of copies and literals makes of this one.</summary>
    public SparseBytes Apply(FilePlan layout)
    {
        var result = new SparseBytes();
        foreach (var segment in layout.Segments)
        {
            if (segment is LiteralSegment literal)
            {
                result.Put(literal.Bytes.ToArray());
                continue;
            }

            var copy = (CopySegment)segment;
            var end = copy.Offset + copy.Length;
            foreach (var (offset, bytes) in pieces.Where(piece => piece.Offset < end && piece.Offset + piece.Bytes.Length > copy.Offset))
            {
                var from = Math.Max(offset, copy.Offset);
                var to = Math.Min(offset + bytes.Length, end);
                result.Skip(segment.Target + from - copy.Offset - result.Length);
                result.Put(bytes[(int)(from - offset)..(int)(to - offset)]);
            }

            result.Skip(segment.Target + segment.Length - result.Length);
        }

        return result;
    }
}
