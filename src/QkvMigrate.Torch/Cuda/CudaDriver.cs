using System.Runtime.InteropServices;
using System.Text;

namespace QkvMigrate.Torch.Cuda;

/// <summary>
/// NVIDIA's driver by its C interface (CUDA Driver API, cuda.h): which devices there are, and how much of their memory is
/// free. It costs no libtorch. Functions bear the version of their interface in their names, as cuda.h gives it to them.
/// </summary>
public static unsafe class CudaDriver
{
    internal const string Missing = $"NVIDIA's driver library {Library} does not load";

    private const string Library = "libcuda.so.1";
    private const int NameBytes = 256;
    private const int Major = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    private const int Minor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR

    private static readonly Lazy<nint> Handle = new(() => NativeLibrary.TryLoad(Library, out var handle) ? handle : 0);

    /// <summary>Whether the driver's library is there and loads.</summary>
    internal static bool IsThere => Handle.Value != 0;

    /// <summary>All devices, or why there are none.</summary>
    public static CudaDevices Devices()
    {
        if (!IsThere)
        {
            return new CudaDevices([], null, Missing);
        }

        try
        {
            Check(((delegate* unmanaged<uint, int>)Function("cuInit"))(0), "cuInit");
            int version, count;
            Check(((delegate* unmanaged<int*, int>)Function("cuDriverGetVersion"))(&version), "cuDriverGetVersion");
            Check(((delegate* unmanaged<int*, int>)Function("cuDeviceGetCount"))(&count), "cuDeviceGetCount");
            var devices = Enumerable.Range(0, count).Select(Describe).ToList();

            // 13000 is 13.0, 12040 is 12.4.
            return new CudaDevices(devices, new Version(version / 1000, version % 1000 / 10), count == 0 ? "the driver knows no device" : null);
        }
        catch (MigrationException error)
        {
            return new CudaDevices([], null, error.Message);
        }
    }

    /// <summary>Bytes in use on device <paramref name="index"/>, by all processes.</summary>
    /// <exception cref="MigrationException">The driver refuses.</exception>
    internal static long UsedBytes(int index)
    {
        int device;
        Check(((delegate* unmanaged<int*, int, int>)Function("cuDeviceGet"))(&device, index), "cuDeviceGet");

        // The context that libtorch works in: the driver answers only within one.
        nint context, before;
        Check(((delegate* unmanaged<nint*, int, int>)Function("cuDevicePrimaryCtxRetain"))(&context, device), "cuDevicePrimaryCtxRetain");
        try
        {
            Check(((delegate* unmanaged<nint, int>)Function("cuCtxPushCurrent_v2"))(context), "cuCtxPushCurrent");
            nuint free, total;
            var result = ((delegate* unmanaged<nuint*, nuint*, int>)Function("cuMemGetInfo_v2"))(&free, &total);
            Check(((delegate* unmanaged<nint*, int>)Function("cuCtxPopCurrent_v2"))(&before), "cuCtxPopCurrent");
            Check(result, "cuMemGetInfo");
            return (long)(total - free);
        }
        finally
        {
            _ = ((delegate* unmanaged<int, int>)Function("cuDevicePrimaryCtxRelease_v2"))(device);
        }
    }

    private static CudaDevice Describe(int index)
    {
        int device, major, minor;
        nuint bytes;
        var name = stackalloc byte[NameBytes];
        Check(((delegate* unmanaged<int*, int, int>)Function("cuDeviceGet"))(&device, index), "cuDeviceGet");
        Check(((delegate* unmanaged<byte*, int, int, int>)Function("cuDeviceGetName"))(name, NameBytes, device), "cuDeviceGetName");
        Check(((delegate* unmanaged<nuint*, int, int>)Function("cuDeviceTotalMem_v2"))(&bytes, device), "cuDeviceTotalMem");
        var attribute = (delegate* unmanaged<int*, int, int, int>)Function("cuDeviceGetAttribute");
        Check(attribute(&major, Major, device), "cuDeviceGetAttribute");
        Check(attribute(&minor, Minor, device), "cuDeviceGetAttribute");
        return new CudaDevice(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)), (long)bytes, new Version(major, minor));
    }

    private static nint Function(string name) =>
        NativeLibrary.TryGetExport(Handle.Value, name, out var function) ? function
        : throw new MigrationException(FailureKind.Unavailable, $"NVIDIA's driver has no {name}: it is too old");

    private static void Check(int result, string call)
    {
        if (result != 0)
        {
            byte* text;
            var isKnown = ((delegate* unmanaged<int, byte**, int>)Function("cuGetErrorName"))(result, &text) == 0;
            var reason = isKnown ? Marshal.PtrToStringUTF8((nint)text) : $"error {result}";
            throw new MigrationException(FailureKind.Unavailable, $"NVIDIA's driver refuses {call}: {reason}");
        }
    }
}
