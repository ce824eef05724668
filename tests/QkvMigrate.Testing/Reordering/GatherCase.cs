using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Testing.Reordering;

/// <summary>A gather with its input and the output that it must have, worked out byte by byte from the definition.</summary>
public sealed class GatherCase
{
    private readonly byte[] expected;

    public GatherCase(int outer, int unit, RowRun[] runs, int seed)
    {
        var rows = runs.Sum(run => run.Length);
        Gather = new Gather(outer, rows, unit, runs);
        Input = new byte[outer * rows * unit];
        new Random(seed).NextBytes(Input);
        var sources = runs.SelectMany(run => Enumerable.Range(run.Start, run.Length)).ToArray();
        expected = new byte[Input.Length];
        for (var at = 0; at < expected.Length; at++)
        {
            var (row, offset) = Math.DivRem(at, unit);
            var (repetition, place) = Math.DivRem(row, rows);
            expected[at] = Input[(((repetition * rows) + sources[place]) * unit) + offset];
        }
    }

    public Gather Gather { get; }

    public byte[] Input { get; }

    public static void AssertPermutes(IReorderLane lane, int outer, int unit, RowRun[] runs, int seed)
    {
        var gather = new GatherCase(outer, unit, runs, seed);
        gather.Fill(lane);
        gather.AssertPermutes(lane);
    }

    public void Fill(IReorderLane lane) => Input.CopyTo(lane.Input);

    public void AssertPermutes(IReorderLane lane) => AssertIsResult(lane.Permute(Gather));

    public void AssertIsResult(ReadOnlyMemory<byte> result)
    {
        var actual = result.Span;
        Assert.Equal(expected.Length, actual.Length);
        Assert.True(actual.SequenceEqual(expected), $"{Gather}: byte {actual.CommonPrefixLength(expected)} differs");
    }
}
