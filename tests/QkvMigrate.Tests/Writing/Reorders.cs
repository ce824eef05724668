using CsCheck;
using QkvMigrate.Attention;

namespace QkvMigrate.Tests.Writing;

internal static class Reorders
{
    /// <summary>Permutations of up to forty rows, in runs of up to six.</summary>
    public static Gen<RowPermutation> Permutations { get; } =
        from lengths in Gen.Int[1, 6].Array[1, 10]
        from seed in Gen.Int
        select Shuffled(lengths, seed);

    private static RowPermutation Shuffled(int[] lengths, int seed)
    {
        var start = 0;
        var runs = lengths.Select(length => new RowRun((start += length) - length, length)).ToArray();
        new Random(seed).Shuffle(runs);
        return RowPermutation.FromRuns(runs);
    }
}
