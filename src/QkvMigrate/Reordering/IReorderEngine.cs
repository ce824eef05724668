using QkvMigrate.Attention;

namespace QkvMigrate.Reordering;

/// <summary>
/// The work of an engine on one slab, bytes of shape <c>(Repetitions, Rows, RowBytes)</c>: for each repetition, it puts the rows
/// into the order that <paramref name="Runs"/> names.
/// Output byte <c>(o, i, b)</c> is input byte <c>(o, source row of i, b)</c>.
/// </summary>
/// <param name="Repetitions">How many times the permutation is repeated; 1 where rows are contiguous.</param>
/// <param name="Rows">Rows of one repetition; the lengths of the runs add up to it.</param>
/// <param name="RowBytes">Bytes of one row, at least 1.</param>
/// <param name="Runs">The source rows in the destination's order, relative to the slab; each row from 0 to Rows−1 once.</param>
public readonly record struct Gather(int Repetitions, int Rows, int RowBytes, ReadOnlyMemory<RowRun> Runs)
{
    /// <summary>Bytes of the slab: <c>Repetitions·Rows·RowBytes</c>, at most the lane's capacity.</summary>
    public int ByteCount => checked(Repetitions * Rows * RowBytes);
}

/// <summary>
/// Permutes rows of bytes. An engine knows no names, no files and no dtypes: reordering rows needs none of them. It holds
/// nothing that has to be given back; its lanes do.
/// </summary>
public interface IReorderEngine
{
    /// <summary>The engine's name on the command line: <c>torch</c> or <c>stream</c>.</summary>
    string Name { get; }

    /// <summary>Where it computes: <c>cpu</c>, or <c>cuda:N</c>.</summary>
    string Device { get; }

    /// <summary>Makes a lane with buffers of <paramref name="capacity"/> bytes. Lanes are independent; each is used by one thread at a time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
    IReorderLane CreateLane(int capacity);
}

/// <summary>
/// One slab's way through an engine: fill <see cref="Input"/>, then <see cref="Permute"/>. Several lanes, each on a thread of its
/// own, let reading, permuting and writing overlap. The buffers live as long as the lane and are reused.
/// </summary>
public interface IReorderLane : IDisposable
{
    /// <summary>The slab's source bytes, to be filled from its start.</summary>
    Memory<byte> Input { get; }

    /// <summary>
    /// Permutes the first <see cref="Gather.ByteCount"/> bytes of the input and returns the result, valid until the next call.
    /// The input stays as it is.
    /// </summary>
    ReadOnlyMemory<byte> Permute(in Gather gather);
}
