using CsCheck;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Trees;

public sealed class WorkPartTests
{
    private static readonly Gen<long[]> Sizes = Gen.Long[0, 200_000_000_000].Array[0, 200];

    private static readonly Gen<int> Counts = Gen.Int[1, 40];

    [Fact]
    public void The_largest_goes_first_to_whoever_has_least()
    {
        // 9 → 1, 7 → 2, 6 → 3, 5 → 3 (6 is least), 4 → 2, 2 → 1; loads 11, 11, 11.
        Assert.Equal([3, 1, 1, 2, 3, 2], WorkPart.Deal([5, 9, 2, 4, 6, 7], 3));
    }

    [Fact]
    public void Equal_items_are_dealt_in_turn() => Assert.Equal([1, 2, 3, 1, 2, 3, 1], WorkPart.Deal([8, 8, 8, 8, 8, 8, 8], 3));

    [Fact]
    public void Empty_items_are_dealt_in_turn_too() => Assert.Equal([1, 2, 1, 2], WorkPart.Deal([0, 0, 0, 0], 2));

    [Fact]
    public void Each_item_has_one_part_of_those_that_there_are() =>
        Gen.Select(Sizes, Counts).Sample((sizes, count) =>
        {
            var parts = WorkPart.Deal(sizes, count);
            Assert.Equal(sizes.Length, parts.Length);
            Assert.All(parts, part => Assert.InRange(part, 1, count), throwIfEmpty: false);
        });

    [Fact]
    public void Every_run_deals_the_same() =>
        Gen.Select(Sizes, Counts).Sample((sizes, count) => Assert.Equal(WorkPart.Deal(sizes, count), WorkPart.Deal([.. sizes], count)));

    [Fact]
    public void Parts_are_within_a_tenth_of_even_where_no_item_is_larger_than_that() =>
        Gen.Select(Counts, Gen.Int[10, 60]).SelectMany((count, items) => Gen.Select(Gen.Const(count), Gen.Long[900, 1000].Array[count * items]))
            .Sample((count, sizes) =>
            {
                var even = sizes.Sum() / (double)count;
                Assert.All(Loads(sizes, count), load => Assert.InRange(load, even * 0.9, even * 1.1), throwIfEmpty: true);
            });

    [Fact]
    public void No_part_is_further_from_even_than_the_largest_item() =>
        Gen.Select(Sizes, Counts).Sample((sizes, count) =>
        {
            var even = sizes.Sum(size => (double)size) / count;
            var largest = sizes.Append(0).Max();
            Assert.All(Loads(sizes, count), load => Assert.InRange(load, even - largest - 1, even + largest + 1), throwIfEmpty: true);
        });

    [Theory]
    [InlineData("1/1", 1, 1)]
    [InlineData("3/8", 3, 8)]
    [InlineData("1000/1000", 1000, 1000)]
    public void A_part_is_a_number_of_a_count(string text, int number, int count)
    {
        Assert.True(WorkPart.TryParse(text, out var part));
        Assert.Equal((number, count), (part.Number, part.Count));
    }

    [Theory]
    [InlineData("0/8")]
    [InlineData("9/8")]
    [InlineData("8")]
    [InlineData("1/2/3")]
    [InlineData("-1/8")]
    [InlineData("1/-8")]
    [InlineData("1 / 8")]
    [InlineData("a/b")]
    [InlineData("1/99999999999")]
    [InlineData("")]
    public void Anything_else_is_none(string text) => Assert.False(WorkPart.TryParse(text, out _));

    private static IEnumerable<long> Loads(long[] sizes, int count)
    {
        var parts = WorkPart.Deal(sizes, count);
        return Enumerable.Range(1, count).Select(part => sizes.Where((_, i) => parts[i] == part).Sum());
    }
}
