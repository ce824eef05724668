using QkvMigrate.Attention;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>What a quick verification covers, and what it does not.</summary>
public sealed class QuickVerificationTests : IDisposable
{
    private const int Columns = 600;
    private const int RowBytes = Columns * sizeof(float);
    private const int HeadRows = 4;

    private static readonly StateDict Large = new(
        [
            new("transformer.wte.weight", 0, [50, Columns], [Columns, 1]),
            new("transformer.h.0.attn.attn.weight", 1, [32, Columns], [Columns, 1]),
            new("transformer.h.0.attn.attn.bias", 2, [32], [1]),
        ],
        [50 * Columns, 32 * Columns, 32]);

    private readonly VerifiedPair pair = new(Large.ToFile(), LegacyModel.Geometry);

    public void Dispose() => pair.Dispose();

    [Fact]
    public void A_right_upgrade_is_verified_by_a_part_of_its_bytes()
    {
        var report = pair.Verify(VerificationMode.Quick);

        Assert.Empty(report.Differences);

        // First and last row of 8 heads; both ends of the embedding; bias, pickle and version in full, with their checksums.
        var small = ZipSurgery.Entries(pair.Upgraded).Where(entry => entry.Length < RowBytes * 4).ToList();
        Assert.Equal((8 * 2 * RowBytes) + (2 * 4096) + small.Sum(entry => entry.Length), report.Coverage.ComparedBytes);
        Assert.Equal(small.Count, report.Coverage.Checksums);
    }

    [Fact]
    public void A_long_pickle_is_compared_by_its_instructions_and_not_by_a_sample_of_bytes()
    {
        const int layers = 700;
        var deep = new StateDict([.. Enumerable.Range(0, layers).Select(layer => new TestTensor($"transformer.h.{layer}.attn.attn.bias", layer, [32], [1]))], [.. Enumerable.Repeat(32, layers)]);
        using var upgrade = new VerifiedPair(deep.ToFile(), LegacyModel.Geometry);

        Assert.InRange(ZipSurgery.Find(upgrade.Upgraded, "data.pkl").Length, 64 << 10, int.MaxValue);
        Assert.Empty(upgrade.Verify(VerificationMode.Quick).Differences);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(19)]
    [InlineData(31)]
    public void First_and_last_rows_of_heads_are_compared(int row)
    {
        var difference = Assert.Single(pair.Verify(Flipped("data/1", (row * RowBytes) + 7), VerificationMode.Quick).Differences);

        Assert.Equal(("tensor 'transformer.h.0.attn.attn.weight'", (long?)row), (difference.Place, difference.Row));
    }

    [Fact]
    public void Rows_between_are_left_to_a_full_verification()
    {
        var changed = Flipped("data/1", (((2 * HeadRows) + 1) * RowBytes) + 7);

        Assert.True(pair.Verify(changed, VerificationMode.Quick).IsVerified);
        var difference = Assert.Single(pair.Verify(changed).Differences);
        Assert.Equal((9L, QkvSection.Query), (difference.Row, difference.Section));
    }

    [Fact]
    public void An_order_made_with_another_geometry_is_caught()
    {
        using var other = new VerifiedPair(Large.ToFile(), LegacyModel.Geometry, writtenWith: LegacyModel.OtherGeometry);

        Assert.Equal(QkvSection.Query, other.Verify(VerificationMode.Quick).Differences[0].Section);
    }

    [Fact]
    public void The_checksum_of_an_entry_that_does_not_change_must_not_change()
    {
        var report = pair.Verify(Flipped("data/0", 20 * RowBytes), VerificationMode.Quick);

        var difference = Assert.Single(report.Differences);
        Assert.Equal("zip entry 'archive/data/0'", difference.Place);
        Assert.Matches("^CRC-32 [0-9a-f]{8}, expected the first file's [0-9a-f]{8}$", difference.Problem);
    }

    /// <summary>One bit of an entry flipped, and its checksum mended.</summary>
    private byte[] Flipped(string entry, int at) =>
        ZipSurgery.Edit(pair.Upgraded, ZipSurgery.Find(pair.Upgraded, entry), bytes => bytes[at] ^= 0x20);
}
