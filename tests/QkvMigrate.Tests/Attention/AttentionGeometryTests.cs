using QkvMigrate.Attention;
using Xunit;

namespace QkvMigrate.Tests.Attention;

public sealed class AttentionGeometryTests
{
    [Theory]
    [InlineData(12, 12, 64, 1, 2304, 768)]     // pythia-160m
    [InlineData(71, 1, 64, 71, 4672, 4544)]    // falcon-7b
    [InlineData(64, 8, 128, 8, 10240, 8192)]   // Llama-2-70b
    [InlineData(8, 4, 256, 2, 4096, 2048)]     // Gemma-2-2b, whose n_embd is 2304
    [InlineData(1, 1, 1, 1, 3, 1)]
    public void Sizes_follow_from_the_numbers(int heads, int groups, int headSize, int queriesPerGroup, long fusedRows, long projectionColumns)
    {
        var geometry = new AttentionGeometry(heads, groups, headSize);
        Assert.Null(geometry.Problem());
        Assert.Equal(queriesPerGroup, geometry.QueriesPerGroup);
        Assert.Equal(fusedRows, geometry.FusedRows);
        Assert.Equal(projectionColumns, geometry.ProjectionColumns);
        Assert.Equal($"n_head={heads} n_query_groups={groups} head_size={headSize}", geometry.ToString());
    }

    [Theory]
    [InlineData(0, 1, 64, "n_head is 0, expected a number from 1 to 1048576")]
    [InlineData(-12, 1, 64, "n_head is -12, expected a number from 1 to 1048576")]
    [InlineData(12, 0, 64, "n_query_groups is 0, expected a number from 1 to 1048576")]
    [InlineData(12, 12, 0, "head_size is 0, expected a number from 1 to 1048576")]
    [InlineData(12, 12, 1048577, "head_size is 1048577, expected a number from 1 to 1048576")]
    [InlineData(12, 5, 64, "n_head 12 is not a multiple of n_query_groups 5")]
    [InlineData(12, 24, 64, "n_head 12 is not a multiple of n_query_groups 24")]
    [InlineData(1048576, 1048576, 1048576, "3298534883328 fused rows are more than this tool handles (2147483647)")]
    public void Numbers_that_are_no_geometry_are_told(int heads, int groups, int headSize, string problem) =>
        Assert.Equal(problem, new AttentionGeometry(heads, groups, headSize).Problem());

    [Fact]
    public void The_largest_matrix_is_accepted() =>
        Assert.Null(new AttentionGeometry(1 << 15, 1, (1 << 16) - 4).Problem());
}
