using System.Runtime.InteropServices;
using TorchSharp;

namespace QkvMigrate.Torch;

/// <summary>Finds out whether a CUDA device is usable, the cheap questions first, so that most machines never load libtorch for the answer.</summary>
internal static class CudaProbe
{
    /// <summary>Says why device <paramref name="index"/> is not usable, or null where it is.</summary>
    public static string? Problem(int index)
    {
        if (!TorchLibrary.HasCuda)
        {
            return "this build carries libtorch for the CPU alone, -p:TorchBackend=cuda builds the other";
        }

        var driver = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(driver, out var handle))
        {
            return $"NVIDIA's driver library {driver} does not load";
        }

        NativeLibrary.Free(handle);
        TorchLibrary.Load();
        return DeviceProblem(index);
    }

    private static string? DeviceProblem(int index)
    {
        try
        {
            if (!torch.cuda.is_available())
            {
                return "torch.cuda.is_available() is false";
            }

            var count = torch.cuda.device_count();
            return index < count ? null : $"torch.cuda.device_count() is {count}";
        }
        catch (Exception exception) when (exception is ExternalException or InvalidOperationException or NotSupportedException or TypeInitializationException)
        {
            return $"torch says: {exception.GetBaseException().Message}";
        }
    }
}
