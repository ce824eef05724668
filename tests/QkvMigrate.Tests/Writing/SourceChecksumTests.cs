using System.IO.Hashing;
using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>A record whose rows move is read whole: that its bytes are not those that were written once is told.</summary>
public sealed class SourceChecksumTests
{
    private const int Start = 30;
    private const int Length = 120;
    private static readonly byte[] Source = [.. Enumerable.Range(0, 200).Select(value => (byte)(value * 7))];
    private static readonly RowPermutation Swap = RowPermutation.FromRuns([new RowRun(3, 2), new RowRun(0, 3)]);
    private static readonly uint Crc = Crc32.HashToUInt32(Source.AsSpan(Start, Length));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 2)]
    [InlineData(13, 3)]
    [InlineData(64, 4)]
    [InlineData(4096, 4)]
    public void An_intact_record_passes(int slabBytes, int threads)
    {
        using var writing = new LayoutWriting(Source) { SlabBytes = slabBytes, Threads = threads };
        var plan = Plan(writing.Source, Crc);
        Assert.Equal(NaiveLayout.Apply(plan), writing.Write(plan));
        Assert.Equal(NaiveLayout.Apply(plan), writing.WriteBySize(plan));
    }

    [Theory]
    [InlineData(Start)] // a part that is copied
    [InlineData(Start + 40)] // a row that moves
    [InlineData(Start + Length - 1)]
    public void A_flipped_bit_is_told(int at)
    {
        byte[] damaged = [.. Source];
        damaged[at] ^= 4;
        using var writing = new LayoutWriting(damaged) { SlabBytes = 16 };
        var refused = Assert.Throws<MigrationException>(() => writing.Write(Plan(writing.Source, Crc)));
        var computed = Crc32.HashToUInt32(damaged.AsSpan(Start, Length));
        Assert.Equal($"{writing.SourcePath}: archive/data/3 at byte {Start}: its bytes have CRC-32 {computed:x8}, the file gives {Crc:x8}: it is damaged", refused.Message);
        Assert.Equal(FailureKind.Malformed, refused.Kind);
        Assert.Equal(refused.Message, Assert.Throws<MigrationException>(() => writing.WriteBySize(Plan(writing.Source, Crc))).Message);
        Assert.Empty(File.ReadAllBytes(writing.TargetPath));
    }

    /// <summary>A record with 20 bytes that stay, 90 in rows that move, and 10 that stay.</summary>
    private static FilePlan Plan(SourceFile source, uint crc)
    {
        var builder = new FilePlanBuilder();
        builder.Literal(new byte[] { 1, 2, 3 });
        var number = builder.BeginChecksum();
        builder.Copy(source, Start, 20);
        builder.Reorder(source, Start + 20, 3, 6, Swap);
        builder.Copy(source, Start + 110, 10);
        builder.EndChecksum();
        builder.Expect(new SourceChecksum(number, source, "archive/data/3", Start, Length, crc));
        builder.Copy(source, 0, 9);
        return builder.Build();
    }
}
