using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>
/// Reads pieces of a file that are large as they are asked for, and small ones by way of a few blocks that are kept:
/// rows of a transposed tensor are pieces of a few bytes. A small file keeps itself. One thread's.
/// </summary>
internal sealed class SourceWindow(SourceFile source)
{
    private const int BlockBytes = 64 << 10;
    private const int Blocks = 4;

    private readonly Dictionary<long, ArraySegment<byte>> kept = [];
    private readonly Queue<long> order = new();

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> on.</summary>
    public void Read(long offset, Span<byte> buffer)
    {
        if (source.IsSmall || buffer.Length >= BlockBytes / 8)
        {
            source.Read(offset, buffer);
            return;
        }

        while (buffer.Length > 0)
        {
            var number = offset / BlockBytes;
            var within = (int)(offset % BlockBytes);
            var piece = Block(number).AsSpan(within);
            piece = piece[..Math.Min(piece.Length, buffer.Length)];
            piece.CopyTo(buffer);
            buffer = buffer[piece.Length..];
            offset += piece.Length;
        }
    }

    private ArraySegment<byte> Block(long number)
    {
        if (kept.TryGetValue(number, out var block))
        {
            return block;
        }

        // The oldest block's memory is the new one's: a file has as many blocks as it likes.
        var memory = order.Count == Blocks && kept.Remove(order.Dequeue(), out var oldest) ? oldest.Array! : GC.AllocateUninitializedArray<byte>(BlockBytes);
        var start = number * BlockBytes;
        block = new ArraySegment<byte>(memory, 0, (int)Math.Min(BlockBytes, source.Length - start));
        source.Read(start, block);
        order.Enqueue(number);
        kept.Add(number, block);
        return block;
    }
}
