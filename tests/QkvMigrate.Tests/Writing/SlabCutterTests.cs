using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Tests.Support;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

public sealed class SlabCutterTests
{
    private static readonly Gen<(ReorderSegment Segment, int Capacity)> Cases =
        from permutation in ShuffledRows.UpTo(runs: 10, rowsOfEach: 6)
        from outer in Gen.Int[1, 6]
        from unit in Gen.Int[1, 40]
        from source in Gen.Int[0, 50]
        from capacity in Gen.Int[1, 200]
        select (new ReorderSegment(100, -1, AnyFile.Source, source, outer, unit, permutation), capacity);

    [Fact]
    public void Slabs_are_small_and_follow_one_another() => Cases.Sample(sample =>
    {
        var (segment, capacity) = sample;
        var target = segment.Target;
        foreach (var slab in SlabCutter.Cut(segment, capacity))
        {
            Assert.Equal(target, slab.Target);
            Assert.InRange(slab.Gather.ByteCount, 1, capacity);
            Assert.Equal(slab.Gather.ByteCount, slab.Ranges.Sum(range => range.Length));
            Assert.Equal(slab.Gather.Rows, slab.Gather.Runs.ToArray().Sum(run => run.Length));

            // Read from the front to the back, in as few pieces as there are gaps.
            Assert.All(slab.Ranges.Skip(1).Zip(slab.Ranges), pair => Assert.True(pair.First.Offset > pair.Second.Offset + pair.Second.Length), throwIfEmpty: false);
            target += slab.Gather.ByteCount;
        }

        Assert.Equal(segment.Target + segment.Length, target);
    });

    [Fact]
    public void What_the_slabs_gather_is_the_block_reordered() => Cases.Sample(sample =>
    {
        var (segment, capacity) = sample;
        var source = new byte[segment.Offset + segment.Length];
        new Random(1).NextBytes(source);
        using var writing = new LayoutWriting(source);
        segment = segment with { Source = writing.Source };
        var expected = NaiveLayout.Apply(new FilePlan(segment.Length, [segment with { Target = 0 }], []));
        Assert.Equal(expected, SlabCutter.Cut(segment, capacity).SelectMany(slab => Gathered(slab, source)));
    });

    [Theory]
    [InlineData(1000, 100, 100)]
    [InlineData(1000, 999, 500)]
    [InlineData(7 * 11 * 13, 100, 91)]
    [InlineData(65_537, 1000, 1)]
    public void A_row_larger_than_a_slab_is_cut_into_its_largest_parts(int unit, int capacity, int part)
    {
        var swap = RowPermutation.FromRuns([new RowRun(1, 1), new RowRun(0, 1)]);
        var slabs = SlabCutter.Cut(new ReorderSegment(0, -1, AnyFile.Source, 0, 1, unit, swap), capacity).ToList();
        Assert.All(slabs, slab => Assert.Equal(part, slab.Gather.RowBytes), throwIfEmpty: true);
        Assert.All(slabs.SkipLast(1), slab => Assert.Equal(capacity / part * part, slab.Gather.ByteCount), throwIfEmpty: true);
    }

    [Fact]
    public void Blocks_that_fit_a_slab_together_are_gathered_together()
    {
        var swap = RowPermutation.FromRuns([new RowRun(1, 2), new RowRun(0, 1)]);
        var slabs = SlabCutter.Cut(new ReorderSegment(50, -1, AnyFile.Source, 1000, 10, 4, swap), 50).ToList();
        Assert.Equal([(50L, 4), (98L, 4), (146L, 2)], slabs.Select(slab => (slab.Target, slab.Gather.Repetitions)));
        Assert.Equal([new SlabRange(1000, 48), new SlabRange(1048, 48), new SlabRange(1096, 24)], slabs.SelectMany(slab => slab.Ranges));
    }

    private static IEnumerable<byte> Gathered(Slab slab, byte[] source)
    {
        var input = slab.Ranges.SelectMany(range => source.Skip((int)range.Offset).Take(range.Length)).ToArray();
        var gather = slab.Gather;
        for (var outer = 0; outer < gather.Repetitions; outer++)
        {
            foreach (var row in gather.Runs.ToArray().SelectMany(run => Enumerable.Range(run.Start, run.Length)))
            {
                foreach (var value in input.AsSpan(((outer * gather.Rows) + row) * gather.RowBytes, gather.RowBytes).ToArray())
                {
                    yield return value;
                }
            }
        }
    }
}
