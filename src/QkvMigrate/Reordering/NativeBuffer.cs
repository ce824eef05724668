using System.Buffers;
using System.Runtime.InteropServices;

namespace QkvMigrate.Reordering;

/// <summary>
/// Bytes outside of the managed heap, from a page boundary on: they never move, cost the garbage collector nothing, and
/// can be read into past the page cache. Their content is undefined until it is written.
/// </summary>
internal sealed unsafe class NativeBuffer : MemoryManager<byte>
{
    /// <summary>A page, which is also what direct I/O asks for at most.</summary>
    public const int Alignment = 4096;

    private readonly int length;
    private byte* pointer;

    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        pointer = (byte*)NativeMemory.AlignedAlloc((nuint)length, Alignment);
        this.length = length;
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(pointer is null, this);
        return new Span<byte>(pointer, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(pointer is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length, nameof(elementIndex));
        return new MemoryHandle(pointer + elementIndex);
    }

    public override void Unpin()
    {
        // Native memory stays where it is.
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(pointer);
        pointer = null;
    }
}
