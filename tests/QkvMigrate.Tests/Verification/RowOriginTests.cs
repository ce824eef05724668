using QkvMigrate.Attention;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

public sealed class RowOriginTests
{
    [Theory]
    [InlineData(4, 2, 4)]
    [InlineData(4, 4, 3)]
    [InlineData(6, 1, 2)]
    [InlineData(12, 3, 1)]
    public void Says_the_head_that_stands_at_a_row_and_where_it_stood(int heads, int groups, int headSize)
    {
        var geometry = new AttentionGeometry(heads, groups, headSize);
        foreach (var (change, from, to) in new[]
        {
            (VerifiedLayouts.Upgrade, RowOrder.Interleaved, RowOrder.Sequential),
            (VerifiedLayouts.Downgrade, RowOrder.Sequential, RowOrder.Interleaved),
        })
        {
            // The two layouts as lists of named rows: a row's origin is where its name stands in the other list.
            var before = Rows(from, geometry);
            var after = Rows(to, geometry);
            for (var row = 0; row < after.Count; row++)
            {
                var origin = RowOrigin.Of(row, geometry, headSize, change);
                Assert.Equal(after[row], (origin.Section, origin.Head, row % headSize));
                Assert.Equal(before.IndexOf(after[row]), origin.Source);
                Assert.Equal(origin.Section == QkvSection.Query ? origin.Head / (heads / groups) : origin.Head, origin.QueryGroup);
            }
        }
    }

    private static List<(QkvSection Section, int Head, int Row)> Rows(RowOrder layout, AttentionGeometry geometry) =>
        [.. layout.Blocks(geometry).SelectMany(block => Enumerable.Range(0, geometry.HeadSize).Select(row => (block.Section, block.Head, row)))];
}
