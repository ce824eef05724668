using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class GatherCacheTests
{
    [Fact]
    public void A_gather_is_prepared_once()
    {
        using var cache = Cache(weight: 1, out var made);
        var first = cache.Get(Gather(1));
        Assert.NotSame(first, cache.Get(Gather(2)));
        Assert.Same(first, cache.Get(Gather(1)));
        Assert.Equal(2, made.Count);
    }

    [Fact]
    public void Each_part_of_a_gather_counts()
    {
        using var cache = Cache(weight: 1, out var made);
        RowRun[] runs = [new(1, 1), new(0, 1)];
        cache.Get(new Gather(1, 2, 1, runs));
        cache.Get(new Gather(2, 2, 1, runs));
        cache.Get(new Gather(1, 2, 2, runs));
        cache.Get(new Gather(1, 2, 1, new RowRun[] { new(0, 2) }));
        cache.Get(new Gather(1, 3, 1, runs));
        Assert.Equal(5, made.Count);
    }

    [Fact]
    public void The_least_recently_used_one_is_given_up()
    {
        using var cache = Cache(weight: 1, out var made);
        for (var unit = 1; unit <= GatherCache.MaximumCount; unit++)
        {
            cache.Get(Gather(unit));
        }

        cache.Get(Gather(1));
        cache.Get(Gather(GatherCache.MaximumCount + 1));
        Assert.Equal(GatherCache.MaximumCount, cache.Count);
        Assert.Equal([2], made.Where(fake => fake.Disposed).Select(fake => fake.RowBytes));
    }

    [Fact]
    public void Heavy_gathers_do_not_pile_up()
    {
        using var cache = Cache(weight: (GatherCache.MaximumWeight / 2) + 1, out var made);
        cache.Get(Gather(1));
        cache.Get(Gather(2));
        Assert.Equal([true, false], made.Select(fake => fake.Disposed));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void A_gather_heavier_than_the_limit_is_kept_while_it_runs()
    {
        using var cache = Cache(weight: GatherCache.MaximumWeight + 1, out var made);
        cache.Get(Gather(1));
        Assert.False(made[0].Disposed);
        cache.Get(Gather(2));
        Assert.True(made[0].Disposed);
    }

    [Fact]
    public void Disposing_gives_up_all()
    {
        var cache = Cache(weight: 1, out var made);
        cache.Get(Gather(1));
        cache.Get(Gather(2));
        cache.Dispose();
        Assert.Equal([true, true], made.Select(fake => fake.Disposed));
    }

    private static Gather Gather(int unit) => new(1, 2, unit, new RowRun[] { new(1, 1), new(0, 1) });

    private static GatherCache Cache(long weight, out List<FakeGather> made)
    {
        var all = made = [];
        return new GatherCache((in Gather gather) =>
        {
            var fake = new FakeGather(gather, weight);
            all.Add(fake);
            return fake;
        });
    }

    private sealed class FakeGather(in Gather gather, long weight) : PreparedGather(gather)
    {
        public int RowBytes { get; } = gather.RowBytes;

        public bool Disposed { get; private set; }

        public override long Weight => weight;

        public override void Run() => Assert.Fail("the cache runs nothing");

        public override void Dispose() => Disposed = true;
    }
}
