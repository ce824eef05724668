using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>One <c>copy_</c> between views for each run: no intermediate tensor, and as fast as memory where runs are long.</summary>
internal sealed class RunCopies : PreparedGather
{
    /// <summary>A tensor's handle, its TensorImpl and the managed object, rounded up.</summary>
    private const int TensorWeight = 512;

    private readonly (Tensor Target, Tensor Source)[] copies;

    /// <summary>Makes views of <paramref name="source"/> and <paramref name="target"/>, uint8 tensors of shape <c>(capacity)</c>.</summary>
    public RunCopies(in Gather gather, Tensor source, Tensor target)
        : base(gather)
    {
        copies = new (Tensor, Tensor)[gather.Runs.Length];
        using var scope = NewDisposeScope();
        var sourceRows = Rows(gather, source);
        var targetRows = Rows(gather, target);
        var row = 0;
        for (var i = 0; i < copies.Length; i++)
        {
            var run = gather.Runs.Span[i];
            copies[i] = (
                targetRows.narrow(1, row, run.Length).DetachFromDisposeScope(),
                sourceRows.narrow(1, run.Start, run.Length).DetachFromDisposeScope());
            row += run.Length;
        }
    }

    public override long Weight => 2L * TensorWeight * copies.Length;

    /// <summary>The gather's bytes of a buffer, shape <c>(Repetitions, Rows, RowBytes)</c>.</summary>
    public static Tensor Rows(in Gather gather, Tensor buffer) =>
        buffer.narrow(0, 0, gather.ByteCount).view(gather.Repetitions, gather.Rows, gather.RowBytes);

    public override void Run()
    {
        foreach (var (target, source) in copies)
        {
            target.copy_(source);
        }
    }

    public override void Dispose()
    {
        foreach (var (target, source) in copies)
        {
            target.Dispose();
            source.Dispose();
        }
    }
}
