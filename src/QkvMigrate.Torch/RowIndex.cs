using System.Runtime.InteropServices;
using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>One <c>index_select</c> for the whole slab, and a copy into the target: the number of runs does not matter.</summary>
internal sealed class RowIndex : PreparedGather
{
    private readonly Tensor index;
    private readonly Tensor source;
    private readonly Tensor target;

    /// <summary>
    /// Selects from <paramref name="source"/>, on whose device the index is kept, into <paramref name="target"/>; both are
    /// uint8, shape <c>(capacity)</c>.
    /// </summary>
    public RowIndex(in Gather gather, Tensor source, Tensor target)
        : base(gather)
    {
        using var scope = NewDisposeScope();
        var rows = empty(gather.Rows, ScalarType.Int64);
        var filled = MemoryMarshal.Cast<byte, long>(rows.bytes);
        foreach (var run in gather.Runs.Span)
        {
            for (var i = 0; i < run.Length; i++)
            {
                filled[i] = run.Start + i;
            }

            filled = filled[run.Length..];
        }

        index = rows.to(source.device).DetachFromDisposeScope();
        this.source = RunCopies.Rows(gather, source).DetachFromDisposeScope();
        this.target = RunCopies.Rows(gather, target).DetachFromDisposeScope();
    }

    public override long Weight => index.numel() * sizeof(long);

    /// <summary>Where the devices differ, the copy only enters the queue; libtorch keeps the selected rows until it has run.</summary>
    public override void Run()
    {
        using var selected = source.index_select(1, index).DetachFromDisposeScope();
        target.copy_(selected, nonBlocking: true);
    }

    public override void Dispose()
    {
        index.Dispose();
        source.Dispose();
        target.Dispose();
    }
}
