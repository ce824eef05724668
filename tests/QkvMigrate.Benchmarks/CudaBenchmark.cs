using BenchmarkDotNet.Attributes;
using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using QkvMigrate.Torch;
using static TorchSharp.torch;

namespace QkvMigrate.Benchmarks;

/// <summary>
/// The engine alone on a CUDA device, beside the bus that it cannot be faster than: a slab there, a slab back, both one behind
/// the other, and a lane that does both and permutes between them. Without a device there are no cases.
/// </summary>
public class CudaBenchmark : IMeasured, IDisposable
{
    private const int HeadSize = 64;

    private static readonly RowPermutation Permutation = RowPermutation.Between(new AttentionGeometry(8, 4, HeadSize), RowOrder.Interleaved, RowOrder.Sequential);

    private IReorderLane? lane;
    private Gather gather;
    private Tensor? host;
    private Tensor? device;

    /// <summary>The devices that are usable here.</summary>
    public static IEnumerable<string> Devices => TorchReorderEngine.CudaProblem(0) is null ? ["cuda:0"] : [];

    /// <summary>Where the slab goes.</summary>
    [ParamsSource(nameof(Devices))]
    public string Device { get; set; } = "cuda:0";

    /// <summary>Bytes of a row, so that a slab has 1 MiB, as in an upgrade, or 16 MiB, by which the bus's own rate shows.</summary>
    [Params(1024, 16384)]
    public int RowBytes { get; set; }

    public long ByteCount => Permutation.RowCount * RowBytes;

    [GlobalSetup]
    public void Setup()
    {
        gather = new Gather(1, Permutation.RowCount, RowBytes, Permutation.Runs.ToArray());
        lane = TorchReorderEngine.Create(new ComputeDevice(ComputeDeviceKind.Cuda)).CreateLane(gather.ByteCount);
        using var pageable = empty(gather.ByteCount, ScalarType.Byte);
        host = pageable.pin_memory();
        device = empty(gather.ByteCount, ScalarType.Byte, new Device(Device));
    }

    [GlobalCleanup]
    public void Dispose()
    {
        lane?.Dispose();
        host?.Dispose();
        device?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void ToTheDevice() => Copy((device!, host!));

    [Benchmark]
    public void Back() => Copy((host!, device!));

    /// <summary>What a lane cannot be faster than while copies go one way at a time.</summary>
    [Benchmark(Baseline = true)]
    public void ThereAndBack() => Copy((device!, host!), (host!, device!));

    [Benchmark]
    public int Lane() => lane!.Permute(gather).Length;

    private static void Copy(params ReadOnlySpan<(Tensor To, Tensor From)> copies)
    {
        using var scope = NewDisposeScope();
        foreach (var (to, from) in copies)
        {
            to.copy_(from, nonBlocking: true);
        }

        cuda.synchronize();
    }
}
