using QkvMigrate.Reordering;

namespace QkvMigrate.Torch;

/// <summary>A gather turned into tensors on a lane's buffers, kept because the layers of a model ask for the same ones again.</summary>
internal abstract class PreparedGather(in Gather gather) : IDisposable
{
    private readonly Gather gather = gather with { Runs = gather.Runs.ToArray() };

    /// <summary>Memory that it holds on to, in bytes, roughly.</summary>
    public abstract long Weight { get; }

    /// <summary>True where <paramref name="other"/> asks for the same.</summary>
    public bool Is(in Gather other) =>
        gather.Repetitions == other.Repetitions
            && gather.Rows == other.Rows
            && gather.RowBytes == other.RowBytes
            && gather.Runs.Span.SequenceEqual(other.Runs.Span);

    /// <summary>Permutes on the CPU, or puts the permutation into the device's queue.</summary>
    public abstract void Run();

    public abstract void Dispose();
}
