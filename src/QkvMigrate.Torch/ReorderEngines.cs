using QkvMigrate.Reordering;

namespace QkvMigrate.Torch;

/// <summary>An engine that was chosen.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Reason">Why this one, in words.</param>
public sealed record ChosenEngine(IReorderEngine Engine, string Reason);

/// <summary>Makes the engine that was chosen.</summary>
public static class ReorderEngines
{
    /// <summary>What <see cref="Choose"/> says of the stream engine where the choice is left to it.</summary>
    internal const string Fastest = "the fastest in all that was measured, with CUDA or without, from a file of kilobytes to one of 8 GiB";

    /// <summary>
    /// Makes the engine. <c>auto</c> is the stream engine unless a CUDA device is asked for. It permutes a slab in the cache of
    /// the processor at 45 GB/s, faster than any disk and as fast as the bus to a device (55 GB/s each way on an H200), and has
    /// nothing to start, where CUDA takes 0.7 s. So the number of bytes does not matter: 8 GiB in memory took it 2.7 s and CUDA
    /// 3.0 s (2026-11-28, H200, PyTorch 2.11.0+cu130), and on each CPU slab that was measured libtorch was slower as well.
    /// </summary>
    /// <exception cref="MigrationException">What is asked for cannot be had on this machine.</exception>
    public static ChosenEngine Choose(ReorderEngineChoice choice) => choice switch
    {
        { Engine: ReorderEngineKind.Torch } => new ChosenEngine(TorchReorderEngine.Create(choice.Device), "--engine torch"),
        { Engine: ReorderEngineKind.Stream } => new ChosenEngine(new StreamReorderEngine(), "--engine stream"),
        { Device.Kind: ComputeDeviceKind.Cuda } => new ChosenEngine(TorchReorderEngine.Create(choice.Device), $"--device {choice.Device}"),
        _ => new ChosenEngine(new StreamReorderEngine(), Fastest),
    };
}
