using BenchmarkDotNet.Attributes;
using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using QkvMigrate.Torch;

namespace QkvMigrate.Benchmarks;

/// <summary>Permuting the rows of a slab: both engines beside the loop that one would write first, an array for each row.</summary>
[MemoryDiagnoser]
public class GatherBenchmark : IMeasured, IDisposable
{
    private static readonly RowPermutation Permutation = RowPermutation.Between(new AttentionGeometry(8, 4, 64), RowOrder.Interleaved, RowOrder.Sequential);

    private IReorderLane? stream;
    private IReorderLane? torch;
    private Gather gather;
    private byte[] source = [];

    /// <summary>Bytes of a row: a small bias-like row, one of Pythia-160M, one of Pythia-1B.</summary>
    [Params(64, 1536, 4096)]
    public int RowBytes { get; set; }

    public long ByteCount => Permutation.RowCount * RowBytes;

    [GlobalSetup]
    public void Setup()
    {
        gather = new Gather(1, Permutation.RowCount, RowBytes, Permutation.Runs.ToArray());
        source = new byte[gather.ByteCount];
        new Random(1).NextBytes(source);
        stream = Filled(new StreamReorderEngine());
        torch = Filled(TorchReorderEngine.Create(ComputeDevice.Cpu));
    }

    [GlobalCleanup]
    public void Dispose()
    {
        stream?.Dispose();
        torch?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public byte[] RowByRow() =>
        [.. gather.Runs.ToArray().SelectMany(run => Enumerable.Range(run.Start, run.Length)).SelectMany(row => source.Skip(row * RowBytes).Take(RowBytes).ToArray())];

    [Benchmark]
    public int Stream() => Run(stream!);

    [Benchmark]
    public int Torch() => Run(torch!);

    private int Run(IReorderLane lane) => lane.Permute(gather).Length;

    private IReorderLane Filled(IReorderEngine engine)
    {
        var lane = engine.CreateLane(gather.ByteCount);
        source.CopyTo(lane.Input);
        return lane;
    }
}
