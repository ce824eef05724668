using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>The bytes of a contiguous uint8 tensor in host memory, without a copy. Owns the tensor.</summary>
internal sealed unsafe class TensorMemory : MemoryManager<byte>
{
    private readonly int length;
    private byte* pointer;

    private TensorMemory(Tensor tensor)
    {
        Tensor = tensor;
        var bytes = tensor.bytes;
        length = bytes.Length;
        pointer = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
    }

    /// <summary>Shape <c>(length)</c>, uint8, on the CPU.</summary>
    public Tensor Tensor { get; }

    /// <summary>Memory of <paramref name="length"/> bytes from libtorch's allocator, 64-byte aligned (c10/core/alignment.h).</summary>
    public static TensorMemory Allocate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        return new TensorMemory(empty(length, ScalarType.Byte).DetachFromDisposeScope());
    }

    /// <summary>Page-locked memory, which CUDA copies from and to without the CPU.</summary>
    public static TensorMemory AllocatePinned(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        using var pageable = empty(length, ScalarType.Byte);
        return new TensorMemory(pageable.pin_memory().DetachFromDisposeScope());
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
        // libtorch's memory stays where it is.
    }

    protected override void Dispose(bool disposing)
    {
        pointer = null;
        Tensor.Dispose();
    }
}
