using QkvMigrate.Reordering;

namespace QkvMigrate.Torch;

/// <summary>Makes the engine that was chosen.</summary>
public static class ReorderEngines
{
    /// <summary>
    /// Makes the engine. <c>auto</c> is TorchSharp where a CUDA device is usable or asked for, and else the stream
    /// engine, which is the faster one on each CPU slab that was measured and needs no libtorch. The answer costs no
    /// libtorch either, where there is no driver or no CUDA build.
    /// </summary>
    /// <exception cref="MigrationException">What is asked for cannot be had on this machine.</exception>
    public static IReorderEngine Create(ReorderEngineChoice choice) => choice.Engine switch
    {
        ReorderEngineKind.Torch => TorchReorderEngine.Create(choice.Device),
        ReorderEngineKind.Auto when choice.Device.Kind == ReorderDeviceKind.Cuda => TorchReorderEngine.Create(choice.Device),
        ReorderEngineKind.Auto when choice.Device.Kind == ReorderDeviceKind.Auto && TorchReorderEngine.CudaProblem(0) is null => TorchReorderEngine.Create(choice.Device),
        _ => new StreamReorderEngine(),
    };
}
