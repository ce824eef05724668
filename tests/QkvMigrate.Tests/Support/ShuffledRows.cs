using CsCheck;
using QkvMigrate.Attention;

namespace QkvMigrate.Tests.Support;

/// <summary>Permutations whose runs stand in any order.</summary>
internal static class ShuffledRows
{
    /// <summary>Permutations of up to so many runs, each of up to so many rows.</summary>
    public static Gen<RowPermutation> UpTo(int runs, int rowsOfEach) =>
        from lengths in Gen.Int[1, rowsOfEach].Array[1, runs]
        from seed in Gen.Int
        select Of(lengths, seed);

    private static RowPermutation Of(int[] lengths, int seed)
    {
        var start = 0;
        var runs = lengths.Select(length => new RowRun((start += length) - length, length)).ToArray();
        new Random(seed).Shuffle(runs);
        return RowPermutation.FromRuns(runs);
    }
}
