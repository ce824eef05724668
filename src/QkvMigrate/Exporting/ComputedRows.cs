using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Exporting;

/// <summary>
/// Rows of a tensor whose elements are brought into order, of whatever strides, or into another type, a slab at a time.
/// </summary>
internal sealed class ComputedRows : ComputedBytes
{
    /// <summary>Bytes of rows that are worked on at once.</summary>
    private const int SlabBytes = 1 << 20;

    /// <summary>The same of rows with gaps: their bytes are read again for each slab.</summary>
    private const int GappedSlabBytes = 16 << 20;

    /// <summary>Bytes of the file that are read for one slab at most; strides beyond that are of no model's tensors.</summary>
    private const long SpanBytes = 64 << 20;

    private readonly TensorRows rows;
    private readonly DType dtype;

    /// <param name="rows">The rows.</param>
    /// <param name="dtype">The element type that they get.</param>
    public ComputedRows(TensorRows rows, DType dtype)
    {
        this.rows = rows;
        this.dtype = dtype;
        Length = checked(rows.Count * rows.Width * dtype.ItemSize);
    }

    private TensorEntry Tensor => rows.Source;

    private SourceFile Source => rows.Source.Storage.Source;

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => [Source];

    /// <summary>Refuses rows that lie so far apart that reading them would take more than a slab's worth of memory each.</summary>
    /// <exception cref="MigrationException">They do.</exception>
    public static void Check(TensorRows rows)
    {
        if (!rows.AreContiguous && Span(rows.Source, 1) > SpanBytes)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"the strides ({string.Join(", ", rows.Source.Strides)}) spread one row over more than {SpanBytes} bytes; save it as tensor.contiguous()",
                rows.Source.Storage.Source.Path,
                $"tensor '{rows.Source.Label}'");
        }
    }

    /// <inheritdoc/>
    public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
    {
        var size = Tensor.DType.ItemSize;
        var conversion = Tensor.DType == dtype ? null : new FloatConversion(Tensor.DType, dtype);
        var (buffer, target) = (Array.Empty<byte>(), Array.Empty<byte>());
        foreach (var (start, count, column, width) in Slabs())
        {
            cancellation.ThrowIfCancellationRequested();
            var gathered = Room(ref buffer, count * width * size);
            if (rows.AreContiguous)
            {
                Source.Read(Tensor.FileOffset + (((start * rows.Width) + column) * size), gathered);
            }
            else
            {
                Gather(start, (int)count, gathered);
            }

            if (conversion is null)
            {
                emit(gathered);
            }
            else
            {
                var converted = Room(ref target, count * width * dtype.ItemSize);
                conversion.Convert(gathered, converted);
                emit(converted);
            }
        }
    }

    /// <summary>A buffer that is as large as the largest slab so far.</summary>
    private static Span<byte> Room(ref byte[] buffer, long length)
    {
        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>((int)length);
        }

        return buffer.AsSpan(0, (int)length);
    }

    /// <summary>The rows in slabs; a long row of a tensor without gaps is cut as well.</summary>
    private IEnumerable<(long Start, long Count, long Column, long Width)> Slabs()
    {
        var size = Tensor.DType.ItemSize;
        var width = rows.Width;
        var most = Math.Max(1, (rows.AreContiguous ? SlabBytes : GappedSlabBytes) / Math.Max(1, width * size));
        var part = rows.AreContiguous ? Math.Min(width, SlabBytes / size) : width;
        foreach (var run in rows.Runs)
        {
            for (var row = 0L; row < run.Length; row += most)
            {
                for (var column = 0L; column < width; column += part)
                {
                    yield return (run.Start + row, Math.Min(most, run.Length - row), column, Math.Min(part, width - column));
                }
            }
        }
    }

    private void Gather(long start, int count, Span<byte> target)
    {
        var size = Tensor.DType.ItemSize;
        if (count > 1 && Span(Tensor, count) > SpanBytes)
        {
            var half = count / 2;
            var width = (int)rows.Width * size;
            Gather(start, half, target[..(half * width)]);
            Gather(start + half, count - half, target[(half * width)..]);
            return;
        }

        var span = new byte[Span(Tensor, count)];
        Source.Read(Tensor.FileOffset + (start * Tensor.Strides[0] * size), span);
        var index = new long[Tensor.Shape.Count];
        for (var at = 0; at < target.Length; at += size)
        {
            var offset = 0L;
            for (var i = 0; i < index.Length; i++)
            {
                offset += index[i] * Tensor.Strides[i];
            }

            span.AsSpan((int)(offset * size), size).CopyTo(target[at..]);
            for (var i = index.Length - 1; i >= 0 && ++index[i] == (i == 0 ? count : Tensor.Shape[i]); i--)
            {
                index[i] = 0;
            }
        }
    }

    /// <summary>Bytes from the first to the last element of <paramref name="count"/> rows.</summary>
    private static long Span(TensorEntry tensor, long count)
    {
        var last = Int128.Zero;
        for (var i = 0; i < tensor.Shape.Count; i++)
        {
            last += (Int128)((i == 0 ? count : tensor.Shape[i]) - 1) * tensor.Strides[i];
        }

        return (long)Int128.Min((last + 1) * tensor.DType.ItemSize, long.MaxValue);
    }
}
