using CsCheck;
using QkvMigrate.Attention;
using Xunit;

namespace QkvMigrate.Tests.Attention;

public sealed class RowPermutationTests
{
    [Fact]
    public void The_rows_of_a_small_matrix_stand_where_LitGPT_puts_them()
    {
        // n_head=4 n_query_groups=2 head_size=2, interleaved: q0 q0 q1 q1 k0 k0 v0 v0 | q2 q2 q3 q3 k1 k1 v1 v1.
        var upgrade = RowPermutation.Between(new AttentionGeometry(4, 2, 2), RowOrder.Interleaved, RowOrder.Sequential);
        Assert.Equal([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15], Rows(upgrade));
        Assert.Equal([new RowRun(0, 4), new RowRun(8, 4), new RowRun(4, 2), new RowRun(12, 2), new RowRun(6, 2), new RowRun(14, 2)], upgrade.Runs);
        Assert.Equal(16, upgrade.RowCount);
        Assert.False(upgrade.IsIdentity);
    }

    [Fact]
    public void Every_row_is_where_the_formula_says() =>
        Geometries.Any.Sample(geometry =>
        {
            var upgrade = Rows(RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential));
            var downgrade = Rows(RowPermutation.Between(geometry, RowOrder.Sequential, RowOrder.Interleaved));
            Assert.Equal(geometry.FusedRows, upgrade.Length);
            Assert.Equal(geometry.FusedRows, downgrade.Length);
            for (var row = 0; row < upgrade.Length; row++)
            {
                var interleaved = InterleavedRow(geometry, row);
                Assert.Equal(interleaved, upgrade[row]);
                Assert.Equal(row, downgrade[interleaved]);
            }
        });

    [Fact]
    public void There_and_back_is_no_change() =>
        Geometries.Any.Sample(geometry =>
        {
            var there = RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential);
            var back = RowPermutation.Between(geometry, RowOrder.Sequential, RowOrder.Interleaved);
            var first = Rows(there);
            Assert.Equal(Enumerable.Range(0, first.Length), Rows(back).Select(row => first[row]));
        });

    [Theory]
    [InlineData(1, 1)]
    [InlineData(12, 1)]
    [InlineData(71, 1)]
    public void With_one_query_group_nothing_moves(int heads, int groups)
    {
        var upgrade = RowPermutation.Between(new AttentionGeometry(heads, groups, 64), RowOrder.Interleaved, RowOrder.Sequential);
        Assert.True(upgrade.IsIdentity);
        Assert.Equal([new RowRun(0, (heads + 2) * 64)], upgrade.Runs);
    }

    [Fact]
    public void Neighbouring_runs_are_merged()
    {
        var permutation = RowPermutation.FromRuns([new(4, 2), new(6, 3), new(0, 1), new(1, 3)]);
        Assert.Equal([new RowRun(4, 5), new RowRun(0, 4)], permutation.Runs);
        Assert.Equal(9, permutation.RowCount);
    }

    [Fact]
    public void No_runs_are_the_identity_of_no_rows()
    {
        var permutation = RowPermutation.FromRuns([]);
        Assert.Equal(0, permutation.RowCount);
        Assert.True(permutation.IsIdentity);
    }

    [Theory]
    [InlineData(new[] { 0, 0 }, "run of 0 rows from 0 on")]
    [InlineData(new[] { 0, -2 }, "run of -2 rows from 0 on")]
    [InlineData(new[] { -1, 2 }, "run of 2 rows from -1 on")]
    [InlineData(new[] { 1, 2 }, "row 0 is named twice or never")]
    [InlineData(new[] { 4, 2, 0, 3 }, "row 3 is named twice or never")]
    [InlineData(new[] { 2, 2, 0, 3 }, "row 2 is named twice or never")]
    [InlineData(new[] { 0, 2, 0, 2 }, "row 0 is named twice or never")]
    public void Runs_that_are_no_permutation_are_refused(int[] startsAndLengths, string message)
    {
        var refused = Assert.Throws<ArgumentException>(() => RowPermutation.FromRuns(startsAndLengths.Chunk(2).Select(pair => new RowRun(pair[0], pair[1]))));
        Assert.StartsWith(message + " (", refused.Message, StringComparison.Ordinal);
        Assert.Equal("runs", refused.ParamName);
    }

    [Fact]
    public void Packed_rows_move_like_the_rows_in_them() =>
        (from geometry in Geometries.Any from pack in Gen.Int[1, 8] select (geometry, pack)).Sample(sample =>
        {
            var geometry = sample.geometry with { HeadSize = sample.geometry.HeadSize * sample.pack };
            var permutation = RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential);
            var packed = permutation.Packed(sample.pack);
            Assert.NotNull(packed);
            Assert.Equal(Rows(permutation), Rows(packed).SelectMany(row => Enumerable.Range(row * sample.pack, sample.pack)));
        });

    [Theory]
    [InlineData(12, 8)]
    [InlineData(3, 2)]
    [InlineData(4, 8)]
    public void Heads_that_do_not_fill_packs_are_not_packed(int headSize, int pack)
    {
        var permutation = RowPermutation.Between(new AttentionGeometry(4, 4, headSize), RowOrder.Interleaved, RowOrder.Sequential);
        Assert.Null(permutation.Packed(pack));
    }

    private static int[] Rows(RowPermutation permutation) =>
        [.. permutation.Runs.SelectMany(run => Enumerable.Range(run.Start, run.Length))];

    /// <summary>
    /// The interleaved row of a sequential one, by arithmetic: litgpt/model.py before 0.5.4 views the rows as
    /// (n_query_groups, q_per_kv + 2, head_size) and splits the middle dimension into q_per_kv, 1, 1.
    /// </summary>
    private static int InterleavedRow(AttentionGeometry geometry, int row)
    {
        var (head, offset) = Math.DivRem(row, geometry.HeadSize);
        var queriesPerGroup = geometry.HeadCount / geometry.QueryGroupCount;
        int group;
        int place;
        if (head < geometry.HeadCount)
        {
            (group, place) = Math.DivRem(head, queriesPerGroup);
        }
        else if (head < geometry.HeadCount + geometry.QueryGroupCount)
        {
            (group, place) = (head - geometry.HeadCount, queriesPerGroup);
        }
        else
        {
            (group, place) = (head - geometry.HeadCount - geometry.QueryGroupCount, queriesPerGroup + 1);
        }

        return (((group * (queriesPerGroup + 2)) + place) * geometry.HeadSize) + offset;
    }
}
