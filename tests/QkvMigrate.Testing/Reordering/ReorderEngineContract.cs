using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Testing.Reordering;

/// <summary>What every reorder engine must do, run over each of them.</summary>
public abstract class ReorderEngineContract
{
    private static readonly int[] UnitSizes = [.. Enumerable.Range(1, 17), 64, 4096, 4100, 5003];

    public static TheoryData<int, int, int> Geometries { get; } = new()
    {
        { 1, 1, 1 },
        { 4, 4, 8 },    // multi-head
        { 3, 3, 5 },    // an odd number of heads
        { 8, 2, 16 },   // grouped
        { 15, 5, 7 },   // grouped, odd
        { 6, 1, 8 },    // multi-query
        { 71, 1, 64 },  // Falcon 7B
        { 64, 64, 2 },  // many short runs
    };

    /// <summary>Creates an engine, or skips the test with a reason.</summary>
    protected abstract IReorderEngine CreateEngine();

    /// <summary>Runs a test's body with an engine; implementations check here what they must leave behind clean.</summary>
    protected virtual void WithEngine(Action<IReorderEngine> body)
    {
        var engine = CreateEngine();
        body(engine);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Rows_of_every_size_reach_their_places(int outer) => WithEngine(engine =>
    {
        RowRun[] runs = [new(6, 3), new(0, 1), new(9, 4), new(1, 5)];
        using var lane = engine.CreateLane(outer * 13 * UnitSizes.Max());
        foreach (var unit in UnitSizes)
        {
            GatherCase.AssertPermutes(lane, outer, unit, runs, seed: unit);
        }
    });

    [Fact]
    public void A_plan_over_two_files_is_written_bit_for_bit() => WithEngine(engine =>
    {
        byte[] firstBytes = [.. Enumerable.Range(0, 300).Select(value => (byte)(value * 7))];
        byte[] secondBytes = [.. Enumerable.Range(0, 300).Select(value => (byte)((value * 11) + 3))];
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            File.WriteAllBytes(Path.Combine(folder.FullName, "first"), firstBytes);
            File.WriteAllBytes(Path.Combine(folder.FullName, "second"), secondBytes);
            using var first = SourceFile.Open(Path.Combine(folder.FullName, "first"));
            using var second = SourceFile.Open(Path.Combine(folder.FullName, "second"));
            var swap = RowPermutation.FromRuns([new(3, 2), new(0, 3)]);
            Segment[] segments =
            [
                new CopySegment(0, 100, -1, first, 0),
                new ReorderSegment(100, -1, second, 50, 1, 8, swap),
                new ReorderSegment(140, -1, first, 200, 2, 3, swap),
                new CopySegment(170, 20, -1, second, 280),
            ];
            var target = Path.Combine(folder.FullName, "target");
            using (var handle = File.OpenHandle(target, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                FilePlanWriter.Write(new FilePlan(190, segments, []), handle, () => engine, null, TestContext.Current.CancellationToken);
            }

            byte[] expected =
            [
                .. firstBytes[..100],
                .. secondBytes[74..90], .. secondBytes[50..74],
                .. firstBytes[209..215], .. firstBytes[200..209], .. firstBytes[224..230], .. firstBytes[215..224],
                .. secondBytes[280..],
            ];
            Assert.Equal(expected, File.ReadAllBytes(target));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    });

    [Theory]
    [InlineData(683, 1)]
    [InlineData(50, 4)]
    [InlineData(2000, 3)]
    public void Small_rows_are_permuted_thousands_of_times(int outer, int unit) => WithEngine(engine =>
    {
        var runs = Runs(new AttentionGeometry(8, 8, 16), upgrade: true);
        using var lane = engine.CreateLane(outer * 384 * unit);
        GatherCase.AssertPermutes(lane, outer, unit, runs, seed: 1);
    });

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Attention_matrices_are_reordered_both_ways(int heads, int groups, int headSize) => WithEngine(engine =>
    {
        var geometry = new AttentionGeometry(heads, groups, headSize);
        var rows = (int)geometry.FusedRows;
        using var lane = engine.CreateLane(3 * rows * 96);
        foreach (var upgrade in new[] { true, false })
        {
            foreach (var (outer, unit) in new[] { (1, 2), (1, 96), (3, 1), (3, 32) })
            {
                GatherCase.AssertPermutes(lane, outer, unit, Runs(geometry, upgrade), seed: unit);
            }
        }
    });

    [Fact]
    public void Any_permutation_is_carried_out() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(1 << 16);
        var gathers =
            from lengths in Gen.Int[1, 30].Array[1, 40]
            from outer in Gen.Int[1, 3]
            from unit in Gen.Int[1, 17]
            from seed in Gen.Int
            select (lengths, outer, unit, seed);
        gathers.Sample(
            gather => GatherCase.AssertPermutes(lane, gather.outer, gather.unit, Shuffled(gather.lengths, gather.seed), gather.seed),
            threads: 1);
    });

    [Fact]
    public void Rows_scattered_one_by_one_are_gathered() => WithEngine(engine =>
    {
        var runs = Shuffled([.. Enumerable.Repeat(1, 3000)], seed: 5);
        using var lane = engine.CreateLane(2 * 3000 * 16);
        GatherCase.AssertPermutes(lane, 2, 16, runs, seed: 1);
        GatherCase.AssertPermutes(lane, 1, 1, runs, seed: 2);
    });

    [Fact]
    public void A_lane_is_used_again_with_other_bytes_and_other_shapes() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(4096);
        RowRun[] swap = [new(4, 4), new(0, 4)];
        RowRun[] other = [new(4, 4), new(2, 2), new(0, 2)];
        for (var seed = 0; seed < 3; seed++)
        {
            GatherCase.AssertPermutes(lane, 1, 512, swap, seed);
            GatherCase.AssertPermutes(lane, 2, 256, swap, seed);
            GatherCase.AssertPermutes(lane, 1, 512, other, seed);
            GatherCase.AssertPermutes(lane, 1, 3, swap, seed);
        }
    });

    [Fact]
    public void The_runs_may_change_behind_the_engines_back() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(80);
        RowRun[] runs = [new(4, 4), new(0, 4)];
        GatherCase.AssertPermutes(lane, 1, 10, runs, seed: 1);
        (runs[0], runs[1]) = (new RowRun(1, 7), new RowRun(0, 1));
        GatherCase.AssertPermutes(lane, 1, 10, runs, seed: 1);
    });

    [Fact]
    public void Lanes_are_independent() => WithEngine(engine =>
    {
        RowRun[] runs = [new(5, 3), new(0, 5)];
        var lanes = Enumerable.Range(0, 4).Select(_ => engine.CreateLane(800)).ToArray();
        var cases = lanes.Select((lane, number) => new GatherCase(1, 100, runs, seed: number)).ToArray();
        for (var number = 0; number < lanes.Length; number++)
        {
            cases[number].Fill(lanes[number]);
        }

        int[] order = [2, 0, 3, 1];
        var results = order.Select(number => (number, lanes[number].Permute(cases[number].Gather))).ToList();
        foreach (var (number, result) in results)
        {
            cases[number].AssertIsResult(result);
        }

        foreach (var lane in lanes)
        {
            lane.Dispose();
        }
    });

    [Fact]
    public async Task Lanes_work_on_threads_of_their_own()
    {
        RowRun[] runs = [new(700, 300), new(0, 700)];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(() => WithEngine(engine =>
        {
            using var lane = engine.CreateLane(64_000);
            for (var seed = 0; seed < 20; seed++)
            {
                GatherCase.AssertPermutes(lane, 1, 64, runs, (100 * number) + seed);
            }
        }))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4099)]
    public void A_lane_can_be_full_to_the_last_byte(int capacity) => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(capacity);
        Assert.Equal(capacity, lane.Input.Length);
        GatherCase.AssertPermutes(lane, 1, 1, capacity == 1 ? [new RowRun(0, 1)] : [new RowRun(4000, 99), new RowRun(0, 4000)], seed: 3);
    });

    [Fact]
    public void The_input_is_left_as_it_was() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(64);
        var gather = new GatherCase(1, 8, [new RowRun(3, 5), new RowRun(0, 3)], seed: 9);
        gather.Fill(lane);
        gather.AssertPermutes(lane);
        Assert.Equal(gather.Input, lane.Input.ToArray());
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_lane_without_room_is_refused(int capacity) => WithEngine(engine =>
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.CreateLane(capacity)));

    [Theory]
    [InlineData(1, 8, 13, "a gather of 104 bytes does not fit a lane of 103")]
    [InlineData(2, 8, 7, "a gather of 112 bytes does not fit a lane of 103")]
    [InlineData(int.MaxValue, 8, int.MaxValue, "a gather of 36893488113059364872 bytes does not fit a lane of 103")]
    [InlineData(65536, 8, 8192, "a gather of 4294967296 bytes does not fit a lane of 103")]
    [InlineData(0, 8, 1, "a gather of 0×8 rows of 1 bytes, each must be at least 1")]
    [InlineData(1, 8, 0, "a gather of 1×8 rows of 0 bytes, each must be at least 1")]
    [InlineData(-1, 8, -1, "a gather of -1×8 rows of -1 bytes, each must be at least 1")]
    public void A_gather_that_does_not_fit_is_refused(int outer, int rows, int unit, string message) =>
        AssertRefused(outer, rows, unit, [new(0, 8)], message);

    [Theory]
    [InlineData(new[] { 4, 4 }, "a run of 4 rows from 4 on, expected one from 0 on: each row is to be named once")]
    [InlineData(new[] { 0, 4 }, "the runs name 4 rows of 8")]
    [InlineData(new int[] { }, "the runs name 0 rows of 8")]
    [InlineData(new[] { 4, 4, 0, 3 }, "a run of 4 rows from 4 on, expected one from 3 on: each row is to be named once")]
    [InlineData(new[] { 4, 4, 0, 5 }, "a run of 4 rows from 4 on, expected one from 5 on: each row is to be named once")]
    [InlineData(new[] { 0, 4, 0, 4 }, "a run of 4 rows from 0 on, expected one from 4 on: each row is to be named once")]
    [InlineData(new[] { 4, 5, 0, 4 }, "the runs name 9 rows of 8")]
    [InlineData(new[] { 0, 9 }, "the runs name 9 rows of 8")]
    [InlineData(new[] { -1, 9 }, "a run of 9 rows from -1 on, expected one from 0 on: each row is to be named once")]
    [InlineData(new[] { 0, 8, 8, 0 }, "a run of 0 rows from 8 on, expected one from 8 on: each row is to be named once")]
    [InlineData(new[] { 0, 8, 8, -1 }, "a run of -1 rows from 8 on, expected one from 8 on: each row is to be named once")]
    [InlineData(new[] { 0, int.MaxValue, int.MaxValue, int.MaxValue }, "the runs name 4294967294 rows of 8")]
    public void Runs_that_are_no_permutation_are_refused(int[] startsAndLengths, string message) =>
        AssertRefused(1, 8, 2, [.. startsAndLengths.Chunk(2).Select(pair => new RowRun(pair[0], pair[1]))], message);

    [Fact]
    public void A_disposed_lane_is_refused() => WithEngine(engine =>
    {
        var lane = engine.CreateLane(8);
        var input = lane.Input;
        var gather = new GatherCase(1, 1, [new RowRun(0, 8)], seed: 1);
        gather.Fill(lane);
        gather.AssertPermutes(lane);
        lane.Dispose();
        lane.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lane.Permute(gather.Gather));
        Assert.Throws<ObjectDisposedException>(() => input.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => input.Pin());
    });

    /// <summary>Shuffles runs of the given lengths.</summary>
    private static RowRun[] Shuffled(int[] lengths, int seed)
    {
        var start = 0;
        var runs = lengths.Select(length => new RowRun((start += length) - length, length)).ToArray();
        new Random(seed).Shuffle(runs);
        return runs;
    }

    private static RowRun[] Runs(AttentionGeometry geometry, bool upgrade) => upgrade
        ? [.. RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential).Runs]
        : [.. RowPermutation.Between(geometry, RowOrder.Sequential, RowOrder.Interleaved).Runs];

    /// <summary>A refused gather leaves the lane as it was.</summary>
    private void AssertRefused(int outer, int rows, int unit, RowRun[] runs, string message) => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(103);
        var refused = Assert.Throws<ArgumentException>(() => lane.Permute(new Gather(outer, rows, unit, runs)));
        Assert.Equal("gather", refused.ParamName);
        Assert.StartsWith(message + " (", refused.Message, StringComparison.Ordinal);
        GatherCase.AssertPermutes(lane, 1, 2, [new RowRun(4, 4), new RowRun(0, 4)], seed: 2);
    });
}
