using System.Globalization;
using CsCheck;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>
/// Random sequences of runs and of what users do between them, against a simple model of what must hold: nothing lost but what
/// --force named, nothing undone without being told, checksums that hold, a report that is the disk, and at the end the
/// state of one undisturbed run. QKVMIGRATE_SEQUENCES sets how many.
/// </summary>
public sealed class TreeSequenceTests
{
    private const int Sequences = 40;

    /// <summary>The same sequences in every test run; those of a long one are drawn anew.</summary>
    private const string Seed = "eBfZjTC_lZEb";

    private static string? SeedOfRun => Environment.GetEnvironmentVariable("QKVMIGRATE_SEQUENCES") is null ? Seed : null;

    private static int Count => int.TryParse(Environment.GetEnvironmentVariable("QKVMIGRATE_SEQUENCES"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : Sequences;

    [Fact]
    public void A_mirrored_tree_loses_nothing() => Sample(MirroredTree.Kinds, Mirror);

    /// <summary>Sequences in which a folder gets its first checkpoint or loses its last, and that once lost what came along from it.</summary>
    [Theory]
    [InlineData("3xeLWsYJnHl3")]
    [InlineData("bY8jGcQdIkf1")]
    [InlineData("0SxKptMapUU2")]
    public void A_sequence_that_once_failed_loses_nothing(string seed) => Step.Sequences(MirroredTree.Kinds).Sample(Mirror, seed: seed, iter: 1);

    [Fact]
    public void A_tree_in_place_loses_nothing() => Sample(
        TreeInPlace.Kinds,
        steps =>
        {
            using var tree = new TreeInPlace();
            Array.ForEach(steps, tree.Take);
            tree.End();
        });

    private static void Mirror(Step[] steps)
    {
        using var tree = new MirroredTree();
        Array.ForEach(steps, tree.Take);
        tree.End();
    }

    /// <summary>One by one, drawn as one array: a seed decides the first sample that CsCheck takes, and no other.</summary>
    private static void Sample(int kinds, Action<Step[]> act)
    {
        if (SeedOfRun is { } seed)
        {
            Step.Sequences(kinds).Array[Count].Sample(all => Array.ForEach(all, act), seed: seed, iter: 1, print: all => $"{all.Length} sequences");
        }
        else
        {
            Step.Sequences(kinds).Sample(act, iter: Count, print: steps => string.Join(' ', steps.AsEnumerable()));
        }
    }
}
