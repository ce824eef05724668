using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification.Exports;

/// <summary>Compares tensors of an exported model with the rows of LitGPT's that they must be made of. Memory does not depend on their size.</summary>
/// <param name="mode">Whether every byte is compared, or the first and last row of each run.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class ExportedTensorComparison(VerificationMode mode, CancellationToken cancellation)
{
    /// <summary>Bytes that are compared at once, and bytes of a tensor up to which all are compared in any mode.</summary>
    private const int ChunkBytes = 1 << 20;

    private const int SmallBytes = 64 << 10;

    private readonly Dictionary<StorageEntry, SourceWindow> windows = [];

    /// <summary>Bytes that were compared.</summary>
    public long ComparedBytes { get; private set; }

    /// <summary>Compares a tensor, shape and element type of which are right. Its first difference is told, and in how many rows there are some.</summary>
    public void Compare(ExpectedTensor expected, TensorEntry found, DifferenceLog log)
    {
        var rows = new DifferenceLog();
        CompareRows(expected, found, rows);
        if (rows.Count > 0)
        {
            var first = rows.First[0];
            log.Add(rows.Count == 1 ? first : first with { Problem = $"{first.Problem}, and {rows.Count - 1} more rows differ" });
        }
    }

    private void CompareRows(ExpectedTensor expected, TensorEntry found, DifferenceLog log)
    {
        var width = expected.Shape.Skip(1).Aggregate(1L, (product, size) => product * size);
        var isSample = mode == VerificationMode.Quick && found.Extent > SmallBytes;
        var row = 0L;
        foreach (var part in expected.Parts)
        {
            foreach (var (source, count, head) in part.Runs())
            {
                foreach (var (first, rows) in Sampled(count, isSample, width))
                {
                    cancellation.ThrowIfCancellationRequested();
                    Compare(part, found, new Piece(source + first, row + first, rows, width, head), log);
                }

                row += count;
            }
        }
    }

    /// <summary>A run in pieces; or its first and its last row.</summary>
    private static IEnumerable<(long First, long Rows)> Sampled(long count, bool isSample, long width)
    {
        if (isSample && count > 2)
        {
            return [(0, 1), (count - 1, 1)];
        }

        var rows = Math.Max(1, ChunkBytes / sizeof(double) / Math.Max(1, width));
        return Enumerable.Range(0, (int)((count + rows - 1) / rows)).Select(i => (i * rows, Math.Min(rows, count - (i * rows))));
    }

    private void Compare(ExpectedRows part, TensorEntry found, Piece piece, DifferenceLog log)
    {
        var (stored, made) = (part.Source.DType, found.DType);
        for (var column = 0L; column < piece.Width;)
        {
            // A piece is many rows, or a part of one.
            var columns = piece.Rows > 1 ? piece.Width : Math.Min(piece.Width - column, ChunkBytes / sizeof(double));
            var expected = new byte[piece.Rows * columns * stored.ItemSize];
            var actual = new byte[piece.Rows * columns * made.ItemSize];
            Read(part.Source, piece.Source, piece.Rows, column, columns, expected);
            var at = found.FileOffset + (((piece.Target * piece.Width) + column) * made.ItemSize);
            found.Storage.Source.Read(at, actual);
            ComparedBytes += actual.Length;
            Report(part, found, piece, (expected, actual), at, columns, log);
            column += columns;
        }
    }

    private static void Report(
        ExpectedRows part,
        TensorEntry found,
        Piece piece,
        (byte[] Expected, byte[] Actual) bytes,
        long at,
        long columns,
        DifferenceLog log)
    {
        var (source, geometry) = (part.Source, part.Geometry);
        var (stored, made) = (source.DType, found.DType);
        if (stored == made && bytes.Expected.AsSpan().SequenceEqual(bytes.Actual))
        {
            return;
        }

        var rounded = stored == made ? null : new RoundedFloats(stored.Name, made.Name);
        for (var row = 0L; row < piece.Rows; row++)
        {
            for (var column = 0L; column < columns; column++)
            {
                var i = (int)((row * columns) + column);
                var before = bytes.Expected.AsSpan(i * stored.ItemSize, stored.ItemSize);
                var after = bytes.Actual.AsSpan(i * made.ItemSize, made.ItemSize);
                if (rounded is null ? before.SequenceEqual(after) : rounded.AreSame(before, after))
                {
                    continue;
                }

                var kind = stored == made ? "" : $" of {stored}, rounded to {made}";
                log.Add(new Difference($"tensor '{found.Label}'", $"0x{Hex(after)}, expected 0x{Hex(before)}{kind} from row {piece.Source + row} of '{source.Label}'")
                {
                    Row = piece.Target + row,
                    Offset = at + ((long)i * made.ItemSize),
                    Section = piece.Head?.Section,
                    Head = (int?)piece.Head?.Head,
                    QueryGroup = (int?)piece.Head?.QueryGroup(geometry),
                });

                // One difference a row.
                break;
            }
        }
    }

    private static string Hex(ReadOnlySpan<byte> littleEndian)
    {
        var bytes = littleEndian.ToArray();
        Array.Reverse(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Columns of rows of a tensor of any strides.</summary>
    private void Read(TensorEntry tensor, long first, long rows, long column, long columns, Span<byte> into)
    {
        var item = tensor.DType.ItemSize;
        var isVector = tensor.Shape.Count == 1;
        var (down, across) = (tensor.Strides[0], isVector ? 1 : tensor.Strides[1]);
        if (!windows.TryGetValue(tensor.Storage, out var window))
        {
            // One tensor after the other is compared, and few storages are open at a time.
            windows.Clear();
            windows.Add(tensor.Storage, window = new SourceWindow(tensor.Storage.Source));
        }

        if (across == 1 && (down == columns || rows == 1))
        {
            window.Read(tensor.FileOffset + (((first * down) + column) * item), into);
            return;
        }

        if (across == 1)
        {
            for (var row = 0L; row < rows; row++)
            {
                window.Read(tensor.FileOffset + ((((first + row) * down) + column) * item), into.Slice((int)(row * columns * item), (int)columns * item));
            }

            return;
        }

        // Where rows stand side by side, the elements of one column are read together.
        var strip = down == 1 ? new byte[rows * item] : [];
        for (var at = 0L; at < columns; at++)
        {
            if (down == 1)
            {
                window.Read(tensor.FileOffset + ((first + ((column + at) * across)) * item), strip);
            }

            for (var row = 0L; row < rows; row++)
            {
                var target = into.Slice((int)(((row * columns) + at) * item), item);
                if (down == 1)
                {
                    strip.AsSpan((int)row * item, item).CopyTo(target);
                }
                else
                {
                    window.Read(tensor.FileOffset + ((((first + row) * down) + ((column + at) * across)) * item), target);
                }
            }
        }
    }

    /// <summary>Rows that stand together in both tensors.</summary>
    private readonly record struct Piece(long Source, long Target, long Rows, long Width, FusedHead? Head);
}
