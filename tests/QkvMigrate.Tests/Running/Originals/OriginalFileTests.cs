using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>A file is proven by the checksum of what it was made from, by no other, and by none where a bit of it is another.</summary>
public sealed class OriginalFileTests : IDisposable
{
    private readonly MigratedFolder folder = new();

    public static TheoryData<string> Formats => ["zip", "before 1.6", "safetensors"];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_checksum_of_the_original_proves_its_upgrade(string format)
    {
        var original = Original(format);
        var upgraded = folder.Migrate(MigrationDirection.Upgrade, original, "upgraded");
        var report = MigratedFolder.Prove(upgraded, original);
        Assert.Equal((true, MigrationDirection.Upgrade, new FileInfo(original).Length), (report.IsVerified, report.Direction, report.HashedBytes));
        Assert.Equal(report.ExpectedSha256, report.Sha256);
        Assert.NotEqual(0, report.MovedTensors);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void And_its_downgrade(string format)
    {
        var original = folder.Migrate(MigrationDirection.Upgrade, Original(format), "today");
        var downgraded = folder.Migrate(MigrationDirection.Downgrade, original, "downgraded");
        var report = MigratedFolder.Prove(downgraded, original);
        Assert.Equal((true, MigrationDirection.Downgrade), (report.IsVerified, report.Direction));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_file_that_needed_no_upgrade_is_proven_by_its_own_checksum(string format)
    {
        var today = folder.Migrate(MigrationDirection.Upgrade, Original(format), "today");
        var report = MigratedFolder.Prove(today, today);
        Assert.Equal((true, null), (report.IsVerified, report.Direction));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_original_that_nobody_upgraded_is_not_proven(string format)
    {
        var original = Original(format);
        var report = MigratedFolder.Prove(original, original);
        Assert.False(report.IsVerified);
        Assert.StartsWith("these are the original's own bytes", report.Problem, StringComparison.Ordinal);
        Assert.True(MigratedFolder.Prove(original, original, MigrationDirection.Downgrade).IsVerified);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_file_of_the_other_direction_is_not_proven(string format)
    {
        var original = Original(format);
        var upgraded = folder.Migrate(MigrationDirection.Upgrade, original, "upgraded");
        var downgraded = folder.Migrate(MigrationDirection.Downgrade, upgraded, "downgraded");
        Assert.True(MigratedFolder.Prove(upgraded, original, MigrationDirection.Upgrade).IsVerified);
        Assert.True(MigratedFolder.Prove(downgraded, upgraded, MigrationDirection.Downgrade).IsVerified);
        Assert.Equal(
            "it is of the layout that downgrade changes (attn.qkv), so it is not what downgrade makes",
            MigratedFolder.Prove(upgraded, original, MigrationDirection.Downgrade).Problem);
        Assert.Equal(
            "it is of the layout that upgrade changes (attn.attn), so it is not what upgrade makes",
            MigratedFolder.Prove(downgraded, upgraded, MigrationDirection.Upgrade).Problem);
    }

    /// <summary>Each byte of a small file in turn, each with another bit.</summary>
    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Formats))]
    public void No_file_with_another_bit_is_proven(string format)
    {
        var original = Original(format);
        var bytes = File.ReadAllBytes(folder.Migrate(MigrationDirection.Upgrade, original, "upgraded"));
        var passed = new List<int>();
        for (var at = 0; at < bytes.Length; at++)
        {
            byte[] mutant = [.. bytes];
            mutant[at] ^= (byte)(1 << (at % 8));
            if (MigratedFolder.Prove(folder.Write(mutant, "mutant"), original).IsVerified)
            {
                passed.Add(at);
            }
        }

        Assert.Empty(passed);
    }

    [Fact]
    public void What_cannot_be_made_again_is_told_with_what_may_be_the_cause()
    {
        var original = Original("zip");
        var upgraded = folder.Migrate(MigrationDirection.Upgrade, original, "upgraded", request => request with { DropUnreferenced = true });
        var report = MigratedFolder.Prove(upgraded, original);
        Assert.False(report.IsVerified);
        Assert.StartsWith($"undoing upgrade gives a file of SHA-256 {report.Sha256}, expected {report.ExpectedSha256}; ", report.Problem, StringComparison.Ordinal);
        Assert.Contains("left out optimizers or unreferenced storages", report.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_checkpoint_is_refused()
    {
        var text = folder.Write("text"u8.ToArray(), "text");
        Assert.StartsWith("this is no checkpoint", MigratedFolder.Prove(text, text).Error?.Problem, StringComparison.Ordinal);
    }

    private string Original(string format) => folder.Write(Bytes(format), "original");

    internal static byte[] Bytes(string format) => format switch
    {
        "zip" => LegacyModel.Legacy.ToFile(),
        "before 1.6" => LegacyModel.Legacy.ToFileBefore16(),
        "safetensors" => LegacyModel.Legacy.ToSafetensors(),
        _ => throw new ArgumentException(format, nameof(format)),
    };
}
