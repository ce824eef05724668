using CsCheck;
using QkvMigrate.Attention;
using Xunit;

namespace QkvMigrate.Tests.Attention;

public sealed class RowOrderTests
{
    [Fact]
    public void Interleaved_repeats_q_k_v_per_query_group() =>
        Assert.Equal("q0 q1 k0 v0 q2 q3 k1 v1", Render(RowOrder.Interleaved, new AttentionGeometry(4, 2, 8)));

    [Fact]
    public void Sequential_is_all_q_then_all_k_then_all_v() =>
        Assert.Equal("q0 q1 q2 q3 k0 k1 v0 v1", Render(RowOrder.Sequential, new AttentionGeometry(4, 2, 8)));

    [Fact]
    public void With_one_query_group_the_layouts_are_the_same()
    {
        var geometry = new AttentionGeometry(5, 1, 8);
        Assert.Equal("q0 q1 q2 q3 q4 k0 v0", Render(RowOrder.Interleaved, geometry));
        Assert.Equal("q0 q1 q2 q3 q4 k0 v0", Render(RowOrder.Sequential, geometry));
    }

    [Fact]
    public void The_layouts_have_names()
    {
        Assert.Equal("interleaved", RowOrder.Interleaved.Name);
        Assert.Equal("sequential", RowOrder.Sequential.Name);
    }

    [Fact]
    public void Every_layout_has_every_head_once() =>
        Geometries.Any.Sample(geometry =>
        {
            var heads = Enumerable.Range(0, geometry.HeadCount).Select(head => new HeadBlock(QkvSection.Query, head))
                .Concat(Enumerable.Range(0, geometry.QueryGroupCount).Select(head => new HeadBlock(QkvSection.Key, head)))
                .Concat(Enumerable.Range(0, geometry.QueryGroupCount).Select(head => new HeadBlock(QkvSection.Value, head)));
            Assert.Equal(heads, RowOrder.Sequential.Blocks(geometry));
            Assert.Equal(heads, RowOrder.Interleaved.Blocks(geometry).OrderBy(block => block.Section).ThenBy(block => block.Head));
        });

    private static string Render(RowOrder layout, AttentionGeometry geometry) =>
        string.Join(' ', layout.Blocks(geometry).Select(block => $"{"qkv"[(int)block.Section]}{block.Head}"));
}
