using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Reads pieces of a file that are large as they are asked for, and small ones by way of a few blocks that are kept:
/// rows of a transposed tensor are pieces of a few bytes. One thread's.
/// </summary>
internal sealed class SourceWindow(SourceFile source)
{
    private const int BlockBytes = 256 << 10;
    private const int Blocks = 16;

    private readonly Dictionary<long, byte[]> kept = [];
    private readonly Queue<long> order = new();

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> on.</summary>
    public void Read(long offset, Span<byte> buffer)
    {
        if (buffer.Length >= BlockBytes / 8)
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

    private byte[] Block(long number)
    {
        if (kept.TryGetValue(number, out var block))
        {
            return block;
        }

        if (order.Count == Blocks)
        {
            kept.Remove(order.Dequeue());
        }

        var start = number * BlockBytes;
        block = source.Read(start, (int)Math.Min(BlockBytes, source.Length - start));
        order.Enqueue(number);
        kept.Add(number, block);
        return block;
    }
}
