using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>
/// A lane whose buffers are uint8 tensors on the CPU; the caller reads and writes their memory itself. A wider element
/// type would gain nothing: int16, int32 and int64 views of the same slabs measure within the noise of uint8.
/// </summary>
internal sealed class CpuLane : ReorderLane
{
    private readonly NativeBuffer input;
    private readonly NativeBuffer output;
    private readonly GatherCache gathers;

    public CpuLane(int capacity)
        : base(capacity)
    {
        var (source, target) = (HostTensor.Allocate(capacity), HostTensor.Allocate(capacity));
        input = HostTensor.BytesOf(source);
        output = HostTensor.BytesOf(target);
        gathers = new GatherCache((in Gather gather) => CopiesAreCheaper(gather)
            ? new RunCopies(gather, source, target)
            : new RowIndex(gather, source, target));
    }

    public override Memory<byte> Input => input.Memory;

    protected override ReadOnlyMemory<byte> Output => output.Memory;

    /// <summary>
    /// Compares what the two ways cost, in nanoseconds as measured with libtorch 2.10 on one thread: 500 for a copy_ and
    /// 4 more for each of its repetitions, against 2 for each row of an index_select and 1 for each 45 bytes that it
    /// moves twice. Heads of weights and of column-major matrices are copied, biases and scattered rows are selected.
    /// </summary>
    internal static bool CopiesAreCheaper(in Gather gather) =>
        gather.Runs.Length * (500 + (4L * gather.Repetitions)) <= (2L * gather.Repetitions * gather.Rows) + (gather.ByteCount / 45);

    /// <summary>
    /// Permutes on the calling thread alone. A slab is too short for a team of OpenMP threads: where cores are busy, as
    /// they are while files are read and written, waiting for the team makes it ten to a thousand times slower.
    /// OpenMP keeps the number of threads per calling thread, so others are left with theirs.
    /// </summary>
    protected override void Run(in Gather gather)
    {
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            gathers.Get(gather).Run();
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device cpu: no slab of {gather.ByteCount} bytes");
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    protected override void Free()
    {
        gathers.Dispose();
        ((IDisposable)input).Dispose();
        ((IDisposable)output).Dispose();
    }
}
