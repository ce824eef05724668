namespace QkvMigrate.Reordering;

/// <summary>The managed engine: copies run after run from one native buffer to another, without libtorch.</summary>
public sealed class StreamReorderEngine : IReorderEngine
{
    /// <inheritdoc/>
    public string Name => "stream";

    /// <inheritdoc/>
    public string Device => "cpu";

    /// <inheritdoc/>
    public IReorderLane CreateLane(int capacity) => new Lane(capacity);

    private sealed class Lane(int capacity) : ReorderLane(capacity)
    {
        private readonly NativeBuffer input = new(capacity);
        private readonly NativeBuffer output = new(capacity);

        public override Memory<byte> Input => input.Memory;

        protected override ReadOnlyMemory<byte> Output => output.Memory;

        protected override void Run(in Gather gather)
        {
            var unit = gather.RowBytes;
            var block = gather.Rows * unit;
            var runs = gather.Runs.Span;
            var source = input.GetSpan()[..gather.ByteCount];
            var target = output.GetSpan();
            while (!source.IsEmpty)
            {
                foreach (var run in runs)
                {
                    var length = run.Length * unit;
                    source.Slice(run.Start * unit, length).CopyTo(target);
                    target = target[length..];
                }

                source = source[block..];
            }
        }

        protected override void Free()
        {
            ((IDisposable)input).Dispose();
            ((IDisposable)output).Dispose();
        }
    }
}
