using System.Runtime.InteropServices;
using TorchSharp;

namespace QkvMigrate.Torch.Cuda;

/// <summary>Finds out whether a CUDA device is usable, the cheap questions first, so that most machines never load libtorch for the answer.</summary>
internal static class CudaProbe
{
    /// <summary>Says why device <paramref name="index"/> is not usable, or null where it is.</summary>
    public static string? Problem(int index)
    {
        if (!CudaDriver.IsThere)
        {
            return CudaDriver.Missing;
        }

        try
        {
            if (TorchLibrary.Find() is { HasCuda: false } found)
            {
                return $"{found}";
            }

            TorchLibrary.Load();
        }
        catch (MigrationException error)
        {
            return error.Message;
        }

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
