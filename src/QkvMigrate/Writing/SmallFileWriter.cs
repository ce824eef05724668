using System.Buffers;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// Writes a small file from a plan: its pieces are put together in memory, and written at once. A call to the system for each would cost more
/// than to copy them, and so would space that is set aside first: the disk's end is met as soon.
/// </summary>
internal static class SmallFileWriter
{
    /// <summary>Bytes of a small file at most. What a larger one copies is better copied by the system.</summary>
    private const int MostBytes = 1 << 20;

    /// <summary>Whether the file of a plan is small.</summary>
    public static bool IsFor(FilePlan plan) => plan.Length <= MostBytes;

    /// <summary>Writes the file.</summary>
    /// <param name="plan">What the file is made of.</param>
    /// <param name="target">The new file, which is empty.</param>
    /// <param name="engine">Called once, when the first row has to move.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">A source ends too early or is damaged.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public static void Write(FilePlan plan, SafeFileHandle target, Func<IReorderEngine> engine, CancellationToken cancellation)
    {
        if (plan.Length == 0)
        {
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)plan.Length);
        try
        {
            var file = buffer.AsMemory(0, (int)plan.Length);
            Make(plan, file, engine, cancellation);
            PositionedWrite.All(target, file.Span, 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Make(FilePlan plan, Memory<byte> file, Func<IReorderEngine> engine, CancellationToken cancellation)
    {
        var checksums = new PlanChecksums(plan);
        var slabBytes = (int)plan.Segments.Max(segment => segment.Length);
        using var pieces = new PieceBytes(checksums, () => engine().CreateLane(slabBytes), slabBytes);
        foreach (var piece in plan.Segments.SelectMany(segment => PieceQueue.InSlabs(segment, slabBytes)))
        {
            cancellation.ThrowIfCancellationRequested();
            pieces.Make(piece, (at, bytes) => bytes.CopyTo(file.Span[(int)at..]), cancellation);
        }

        checksums.CheckSources();
        foreach (var patch in plan.Patches)
        {
            checksums.Patch(patch, file.Span, 0);
        }
    }
}
