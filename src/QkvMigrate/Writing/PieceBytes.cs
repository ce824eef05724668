using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// Makes the bytes of pieces on one thread, with a lane and a buffer of a slab's size, each made when it is first needed. What
/// a piece is made of goes into the checksums of the plan.
/// </summary>
internal sealed class PieceBytes(PlanChecksums checksums, Func<IReorderLane> createLane, int slabBytes) : IDisposable
{
    private IReorderLane? lane;
    private NativeBuffer? buffer;

    /// <summary>Hands the bytes of a piece of <see cref="PieceQueue"/> to <paramref name="emit"/>, in order and with their place in the new file; they are valid until that returns.</summary>
    /// <exception cref="MigrationException">A source ends too early, or cannot be read.</exception>
    public void Make(Segment piece, Action<long, ReadOnlySpan<byte>> emit, CancellationToken cancellation)
    {
        switch (piece)
        {
            case LiteralSegment literal:
                Emit(literal, literal.Bytes.Span, emit);
                break;
            case CopySegment copy:
                var bytes = Read(copy.Source, copy.Offset, (int)copy.Length);
                if (copy.Checksum >= 0)
                {
                    checksums.Copied(copy, bytes);
                }

                emit(copy.Target, bytes);
                break;
            case ComputedSegment computed:
                Compute(computed, emit, cancellation);
                break;
            case Slab slab:
                Emit(slab, Permuted(slab), emit);
                break;
        }
    }

    /// <summary>Bytes of a source, at most as many as a slab has; valid until the next call.</summary>
    /// <exception cref="MigrationException">As <see cref="Make"/>.</exception>
    public ReadOnlySpan<byte> Read(SourceFile source, long offset, int length)
    {
        var bytes = (buffer ??= new NativeBuffer(slabBytes)).GetSpan()[..length];
        source.Read(offset, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lane?.Dispose();
        ((IDisposable?)buffer)?.Dispose();
    }

    private void Emit(Segment piece, ReadOnlySpan<byte> bytes, Action<long, ReadOnlySpan<byte>> emit)
    {
        checksums.Written(piece.Checksum, piece.Target, bytes);
        emit(piece.Target, bytes);
    }

    private void Compute(ComputedSegment computed, Action<long, ReadOnlySpan<byte>> emit, CancellationToken cancellation)
    {
        var at = computed.Target;
        computed.Bytes.Compute(
            bytes =>
            {
                checksums.Written(computed.Checksum, at, bytes);
                emit(at, bytes);
                at += bytes.Length;
            },
            cancellation);
        if (at != computed.Target + computed.Length)
        {
            throw new InvalidOperationException($"{at - computed.Target} bytes were computed, {computed.Length} were announced");
        }
    }

    private ReadOnlySpan<byte> Permuted(Slab slab)
    {
        lane ??= createLane();
        var input = lane.Input.Span;
        foreach (var range in slab.Ranges)
        {
            var rows = input[..range.Length];
            slab.Source.Read(range.Offset, rows);
            checksums.Read(slab.Checksum, slab.Source, range.Offset, rows);
            input = input[range.Length..];
        }

        return lane.Permute(slab.Gather).Span;
    }
}
