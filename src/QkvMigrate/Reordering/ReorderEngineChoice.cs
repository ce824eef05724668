namespace QkvMigrate.Reordering;

/// <summary>The engine that the command line asks for.</summary>
public enum ReorderEngineKind
{
    /// <summary>The faster of the two: the managed engine, unless a CUDA device is asked for.</summary>
    Auto,

    /// <summary>TorchSharp.</summary>
    Torch,

    /// <summary>The managed engine.</summary>
    Stream,
}

/// <summary>What <c>--engine</c> and <c>--device</c> ask for together.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Device">Where it computes.</param>
public sealed record ReorderEngineChoice(ReorderEngineKind Engine, ComputeDevice Device)
{
    /// <summary>Reads <c>auto</c>, <c>torch</c> or <c>stream</c>, and a device.</summary>
    /// <exception cref="MigrationException">Either is unknown, or the two contradict each other.</exception>
    public static ReorderEngineChoice Parse(string engine, string device)
    {
        var kind = engine switch
        {
            "auto" => ReorderEngineKind.Auto,
            "torch" => ReorderEngineKind.Torch,
            "stream" => ReorderEngineKind.Stream,
            _ => throw new MigrationException(FailureKind.Usage, $"--engine {engine}: expected auto, torch, or stream"),
        };
        var where = ComputeDevice.Parse(device);
        return kind == ReorderEngineKind.Stream && where.Kind == ComputeDeviceKind.Cuda
            ? throw new MigrationException(
                FailureKind.Usage,
                $"--engine stream computes on the CPU alone, and --device {device} asks for CUDA; use --engine torch")
            : new ReorderEngineChoice(kind, where);
    }
}
