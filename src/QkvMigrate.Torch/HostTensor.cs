using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>Tensors of bytes in host memory: shape <c>(length)</c>, uint8. They belong to no dispose scope.</summary>
internal static unsafe class HostTensor
{
    /// <summary>Memory of libtorch's allocator, 64-byte aligned (c10/core/alignment.h).</summary>
    public static Tensor Allocate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        return empty(length, ScalarType.Byte).DetachFromDisposeScope();
    }

    /// <summary>Page-locked memory, which CUDA copies from and to without the CPU.</summary>
    public static Tensor AllocatePinned(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        using var pageable = empty(length, ScalarType.Byte);
        return pageable.pin_memory().DetachFromDisposeScope();
    }

    /// <summary>The tensor's bytes, without a copy. Disposing of them disposes of the tensor.</summary>
    public static NativeBuffer BytesOf(Tensor tensor)
    {
        var bytes = tensor.bytes;
        return new NativeBuffer((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes)), bytes.Length, tensor);
    }
}
