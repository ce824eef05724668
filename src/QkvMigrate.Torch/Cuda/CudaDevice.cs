namespace QkvMigrate.Torch.Cuda;

/// <summary>A CUDA device as NVIDIA's driver tells of it.</summary>
/// <param name="Name">Its name, such as <c>NVIDIA A10G</c>.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="ComputeCapability">Its compute capability, such as 8.6.</param>
public sealed record CudaDevice(string Name, long MemoryBytes, Version ComputeCapability);

/// <summary>The CUDA devices of a machine.</summary>
/// <param name="Devices">The devices, in the order of their numbers.</param>
/// <param name="DriverVersion">The newest CUDA that the driver serves, such as 13.0; null where there is no driver.</param>
/// <param name="Problem">Why there are none, or null.</param>
public sealed record CudaDevices(IReadOnlyList<CudaDevice> Devices, Version? DriverVersion, string? Problem);
