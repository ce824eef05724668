using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Verification;
using Xunit;

namespace QkvMigrate.Tests.Planning.Copies;

/// <summary>The verifier finds copies by its own rules: one that was left, moved twice, swapped or half moved does not pass.</summary>
public sealed class CopyMutationTests
{
    /// <summary>The storages of the copies that move.</summary>
    public static TheoryData<int> Moved => [.. CopiedModel.Fused.Select(i => CopiedModel.Parameters.Count + i)];

    [Theory]
    [MemberData(nameof(Moved))]
    public void A_copy_that_was_left_is_caught(int storage) => Caught(storage, (original, _) => original);

    [Theory]
    [MemberData(nameof(Moved))]
    public void A_copy_that_was_half_moved_is_caught(int storage) =>
        Caught(storage, (original, moved) => [.. moved[..(moved.Length / 2)], .. original[(moved.Length / 2)..]]);

    [Theory]
    [MemberData(nameof(Moved))]
    public void Two_rows_that_were_swapped_are_caught(int storage) => Caught(storage, (_, moved) =>
    {
        var row = moved.Length / 32;
        return [.. moved[row..(2 * row)], .. moved[..row], .. moved[(2 * row)..]];
    });

    [Theory]
    [MemberData(nameof(Moved))]
    public void Every_single_bit_of_a_copy_is_compared(int storage)
    {
        for (var bit = 0; bit < 32; bit++)
        {
            var flipped = bit;
            Caught(storage, (_, moved) =>
            {
                moved[((flipped * 37) + 5) % moved.Length] ^= (byte)(1 << (flipped % 8));
                return moved;
            });
        }
    }

    [Fact]
    public void Copies_that_changed_places_are_caught()
    {
        using var pair = new VerifiedPair(CopiedModel.With(Enumerable.Range(0, CopiedModel.Parameters.Count)).ToFile(), CopiedModel.Geometry);
        var (first, second) = (Entry(pair.Upgraded, 7), Entry(pair.Upgraded, 9));
        var (one, other) = (pair.Upgraded.AsSpan(first.Start, first.Length).ToArray(), pair.Upgraded.AsSpan(second.Start, second.Length).ToArray());
        var swapped = ZipSurgery.Edit(pair.Upgraded, first, bytes => other.CopyTo(bytes));
        Assert.False(pair.Verify(ZipSurgery.Edit(swapped, second, bytes => one.CopyTo(bytes))).IsVerified);
    }

    private static void Caught(int storage, Func<byte[], byte[], byte[]> mutate)
    {
        var original = CopiedModel.With(Enumerable.Range(0, CopiedModel.Parameters.Count)).ToFile();
        using var pair = new VerifiedPair(original, CopiedModel.Geometry);
        var (before, after) = (Entry(original, storage), Entry(pair.Upgraded, storage));
        var mutated = mutate(original.AsSpan(before.Start, before.Length).ToArray(), pair.Upgraded.AsSpan(after.Start, after.Length).ToArray());
        var report = pair.Verify(ZipSurgery.Edit(pair.Upgraded, after, bytes => mutated.CopyTo(bytes)));
        Assert.False(report.IsVerified);
    }

    private static ZipSurgery.Entry Entry(byte[] file, int storage) =>
        ZipSurgery.Entries(file).Single(entry => entry.Name == $"archive/data/{storage}");
}
