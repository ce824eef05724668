using System.Globalization;

namespace QkvMigrate.Reordering;

/// <summary>The kind of device that an engine or a model computes on.</summary>
public enum ComputeDeviceKind
{
    /// <summary>CUDA where a device is usable, else the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>A CUDA device.</summary>
    Cuda,
}

/// <summary>The device that the command line asks for, in PyTorch's notation.</summary>
/// <param name="Kind">CPU, CUDA, or whichever there is.</param>
/// <param name="Index">The number of the CUDA device, from 0; 0 for the other kinds.</param>
public readonly record struct ComputeDevice(ComputeDeviceKind Kind, int Index = 0)
{
    /// <summary>The largest number of a device: c10::DeviceIndex is an int8 (c10/core/Device.h).</summary>
    public const int LargestIndex = sbyte.MaxValue;

    private const string CudaPrefix = "cuda:";

    /// <summary>CUDA where a device is usable, else the CPU.</summary>
    public static ComputeDevice Auto => new(ComputeDeviceKind.Auto);

    /// <summary>The CPU.</summary>
    public static ComputeDevice Cpu => new(ComputeDeviceKind.Cpu);

    /// <summary>Reads <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>, as they are written by PyTorch: in lower case.</summary>
    /// <exception cref="MigrationException">Anything else.</exception>
    public static ComputeDevice Parse(string text) => TryParse(text, out var device)
        ? device
        : throw new MigrationException(FailureKind.Usage, $"--device {text}: expected auto, cpu, cuda, or cuda:N with N from 0 to {LargestIndex}");

    /// <summary>The same; false for anything else.</summary>
    public static bool TryParse(string text, out ComputeDevice device)
    {
        var index = (byte)0;
        ComputeDevice? found = text switch
        {
            "auto" => Auto,
            "cpu" => Cpu,
            "cuda" => new ComputeDevice(ComputeDeviceKind.Cuda),
            _ when text.StartsWith(CudaPrefix, StringComparison.Ordinal)
                && byte.TryParse(text.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out index)
                && index <= LargestIndex => new ComputeDevice(ComputeDeviceKind.Cuda, index),
            _ => null,
        };
        device = found ?? default;
        return found is not null;
    }

    /// <summary>PyTorch's notation; <c>cuda</c> is <c>cuda:0</c>.</summary>
    public override string ToString() => Kind switch
    {
        ComputeDeviceKind.Auto => "auto",
        ComputeDeviceKind.Cpu => "cpu",
        _ => CudaPrefix + Index.ToString(CultureInfo.InvariantCulture),
    };
}
