using System.Security.Cryptography;
using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Tests.Support;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>A plan's digest is that of the file which the plan would write, wherever its checksums stand.</summary>
public sealed class FilePlanDigestTests
{
    private static readonly byte[] Source = [.. Enumerable.Range(0, 600).Select(i => (byte)((i * 7) ^ (i >> 3)))];

    /// <summary>Entries of a zip, roughly: a checksum before its bytes, behind them, or on both sides.</summary>
    private static readonly Gen<(int Start, int Length, bool IsReordered, bool IsBefore, bool IsBehind)[]> Entries = (
        from start in Gen.Int[0, 300]
        from length in Gen.Int[0, 40]
        from isReordered in Gen.Bool
        from isBefore in Gen.Bool
        from isBehind in Gen.Bool
        select (start, length, isReordered, isBefore, isBehind)).Array[0, 6];

    [Fact]
    public void Any_plan_has_the_digest_of_what_it_writes() => Gen.Select(Entries, Gen.Int[1, 64]).Sample((entries, slabBytes) =>
    {
        using var writing = new LayoutWriting(Source) { SlabBytes = slabBytes };
        var builder = new FilePlanBuilder();
        foreach (var (start, length, isReordered, isBefore, isBehind) in entries)
        {
            var before = builder.Position;
            builder.Literal(new byte[6]);
            var number = builder.BeginChecksum();
            builder.Copy(writing.Source, start, length);
            if (isReordered)
            {
                builder.Reorder(writing.Source, start, 2, 5, RowPermutation.FromRuns([new RowRun(3, 4), new RowRun(0, 3), new RowRun(7, 1)]));
            }

            builder.Literal(new byte[] { 5, 6 });
            builder.EndChecksum();
            if (isBefore)
            {
                builder.Patch(number, before + 1);
            }

            if (isBehind)
            {
                builder.Patch(number, builder.Position);
                builder.Literal(new byte[4]);
            }
        }

        var plan = builder.Build();
        var written = writing.Write(plan);
        Assert.Equal(NaiveLayout.Apply(plan), written);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(written)), FilePlanDigest.Of(plan, slabBytes, CancellationToken.None));
    });

    [Fact]
    public void A_source_that_ends_too_early_is_told()
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        builder.Copy(writing.Source, 590, 20);
        var error = Assert.Throws<MigrationException>(() => FilePlanDigest.Of(builder.Build(), CancellationToken.None));
        Assert.Contains("the file ends here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_that_changed_is_told()
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        builder.Copy(writing.Source, 0, 20);
        File.WriteAllBytes(writing.SourcePath, [1, 2, 3, .. Source[3..], 9]);
        var error = Assert.Throws<MigrationException>(() => FilePlanDigest.Of(builder.Build(), CancellationToken.None));
        Assert.Contains("changed while it was read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_is_damaged_is_told()
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        var number = builder.BeginChecksum();
        builder.Copy(writing.Source, 10, 100);
        builder.EndChecksum();
        builder.Expect(new SourceChecksum(number, writing.Source, "data/0", 10, 100, 1));
        var error = Assert.Throws<MigrationException>(() => FilePlanDigest.Of(builder.Build(), CancellationToken.None));
        Assert.Contains("it is damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_digest_ends()
    {
        using var writing = new LayoutWriting(Source);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var builder = new FilePlanBuilder();
        builder.Copy(writing.Source, 0, 20);
        Assert.ThrowsAny<OperationCanceledException>(() => FilePlanDigest.Of(builder.Build(), cancelled.Token));
    }
}
