using System.Buffers;
using System.Runtime.InteropServices;

namespace QkvMigrate.Reordering;

/// <summary>
/// Bytes outside of the managed heap: they never move and cost the garbage collector nothing. Their content is undefined
/// until it is written.
/// </summary>
internal sealed unsafe class NativeBuffer : MemoryManager<byte>
{
    /// <summary>A page, which is also what direct I/O asks for at most.</summary>
    public const int Alignment = 4096;

    private readonly int length;
    private readonly IDisposable? owner;
    private byte* pointer;

    /// <summary>Allocates <paramref name="length"/> bytes from a page boundary on.</summary>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        pointer = (byte*)NativeMemory.AlignedAlloc((nuint)length, Alignment);
        this.length = length;
    }

    /// <summary>Bytes that <paramref name="owner"/> allocated; it is disposed of with the buffer.</summary>
    public NativeBuffer(byte* pointer, int length, IDisposable owner)
    {
        this.pointer = pointer;
        this.length = length;
        this.owner = owner;
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
        if (owner is null)
        {
            NativeMemory.AlignedFree(pointer);
        }

        owner?.Dispose();
        pointer = null;
    }
}
