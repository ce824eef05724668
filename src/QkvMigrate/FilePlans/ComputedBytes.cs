namespace QkvMigrate.FilePlans;

/// <summary>
/// Bytes that are worked out from the source when they are written, never before: a plan reads no tensor. What they take
/// of memory while they are made is bounded by the tensors that they are made from.
/// </summary>
public abstract class ComputedBytes
{
    /// <summary>How many there are; known before they are.</summary>
    public abstract long Length { get; }

    /// <summary>Hands the bytes to <paramref name="emit"/>, in order and in pieces of any size.</summary>
    /// <exception cref="MigrationException">The source cannot be read.</exception>
    public abstract void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation);
}
