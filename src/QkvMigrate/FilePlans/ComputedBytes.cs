using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>
/// Bytes that are computed from their sources while they are written, never before: a plan reads no tensor. The memory that
/// this takes is bounded by the tensors that they are computed from.
/// </summary>
public abstract class ComputedBytes
{
    /// <summary>How many there are; known before they are computed.</summary>
    public abstract long Length { get; }

    /// <summary>The files that <see cref="Compute"/> reads.</summary>
    public abstract IReadOnlyList<SourceFile> Sources { get; }

    /// <summary>Hands the bytes to <paramref name="emit"/>, in order and in pieces of any size.</summary>
    /// <exception cref="MigrationException">A source cannot be read.</exception>
    public abstract void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation);
}
