using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing.InPlace;

/// <summary>Bytes of shape <c>(Repetitions, Permutation.RowCount, RowBytes)</c> whose rows are permuted; a span that moves as it is has one row.</summary>
/// <param name="Target">Where they stand in the new file.</param>
/// <param name="Offset">Where they stand in the old file.</param>
/// <param name="Repetitions">How often the permutation is repeated.</param>
/// <param name="RowBytes">Bytes of one row.</param>
/// <param name="Permutation">The old rows in the order of the new file.</param>
internal sealed record BlockMove(long Target, long Offset, long Repetitions, long RowBytes, RowPermutation Permutation)
{
    private static readonly RowPermutation OneRow = RowPermutation.FromRuns([new RowRun(0, 1)]);

    private readonly Lazy<int[]> runStarts = new(() => StartsOf(Permutation));

    /// <summary>How many bytes move.</summary>
    public long Length { get; } = checked(Repetitions * Permutation.RowCount * RowBytes);

    /// <summary>Their place in the new file.</summary>
    public ByteRange To => new(Target, Length);

    /// <summary>Their place in the old file.</summary>
    public ByteRange From => new(Offset, Length);

    /// <summary>Whether they move as they are.</summary>
    public bool IsSpan => Permutation.IsIdentity;

    /// <summary>A span that moves as it is.</summary>
    public static BlockMove Span(long target, long offset, long length) => new(target, offset, 1, length, OneRow);

    /// <summary>The move that takes the bytes back.</summary>
    public BlockMove Inverse() => new(Offset, Target, Repetitions, RowBytes, Permutation.Inverse());

    /// <summary>The piece of a plan that makes the bytes from <paramref name="source"/>, which is as the old file is.</summary>
    public Segment ToSegment(SourceFile source) => IsSpan
        ? new CopySegment(Target, Length, -1, source, Offset)
        : new ReorderSegment(Target, -1, source, Offset, Repetitions, RowBytes, Permutation);

    /// <summary>Where the byte of the new file at <paramref name="position"/> stands in the old one, and how many stand there one behind the other.</summary>
    public (long Offset, long Length) Find(long position)
    {
        var block = Permutation.RowCount * RowBytes;
        var (repetition, within) = Math.DivRem(position - Target, block);
        var row = (int)(within / RowBytes);
        var number = SortedPlaces.LastUpTo(runStarts.Value, row);
        var (run, start) = (Permutation.Runs[number], runStarts.Value[number]);
        var left = ((start + run.Length) * RowBytes) - within;
        return (Offset + (repetition * block) + ((run.Start - start) * RowBytes) + within, left);
    }

    /// <summary>The first row of each run in the new file.</summary>
    private static int[] StartsOf(RowPermutation permutation)
    {
        var starts = new int[permutation.Runs.Count];
        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] = starts[i - 1] + permutation.Runs[i - 1].Length;
        }

        return starts;
    }
}
