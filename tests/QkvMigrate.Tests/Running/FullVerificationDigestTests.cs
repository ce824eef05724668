using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Running.Originals;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running;

/// <summary>Where every byte is verified, a report holds the SHA-256 of what was read and of what was written.</summary>
public sealed class FullVerificationDigestTests : IDisposable
{
    private readonly MigratedFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(OriginalFileTests.Formats), MemberType = typeof(OriginalFileTests))]
    public void Both_files_are_hashed_in_either_direction(string format)
    {
        var original = folder.Write(OriginalFileTests.Bytes(format), "original");
        var upgrade = Run(original, MigrationDirection.Upgrade, folder.At("upgraded"), VerificationMode.Full);
        Assert.Equal((Digest(original), Digest(folder.At("upgraded"))), (upgrade.SourceSha256, upgrade.OutputSha256));
        var downgrade = Run(folder.At("upgraded"), MigrationDirection.Downgrade, folder.At("back"), VerificationMode.Full);
        Assert.Equal((upgrade.OutputSha256, upgrade.SourceSha256), (downgrade.SourceSha256, downgrade.OutputSha256));
    }

    [Theory]
    [MemberData(nameof(OriginalFileTests.Formats), MemberType = typeof(OriginalFileTests))]
    public void A_file_that_is_replaced_is_hashed_before(string format)
    {
        var file = folder.Write(OriginalFileTests.Bytes(format), "model");
        var before = Digest(file);
        var report = Run(file, MigrationDirection.Upgrade, output: null, VerificationMode.Full);
        Assert.Equal((before, Digest(file)), (report.SourceSha256, report.OutputSha256));
        Assert.NotEqual(before, report.OutputSha256);
    }

    [Theory]
    [InlineData(VerificationMode.Quick)]
    [InlineData(null)]
    public void Nothing_is_hashed_where_not_every_byte_is_verified(VerificationMode? mode)
    {
        var original = folder.Write(LegacyModel.Legacy.ToFile(), "original");
        var report = Run(original, MigrationDirection.Upgrade, folder.At("upgraded"), mode);
        Assert.Equal((CheckpointStatus.Upgraded, null, null), (report.Status, report.SourceSha256, report.OutputSha256));
    }

    [Fact]
    public void Each_shard_of_a_directory_is_hashed()
    {
        folder.Write(LegacyModel.Legacy.ToFile(), "run", "lit_model.pth");
        folder.Write(LegacyModel.Legacy.ToSafetensors(), "run", "second.safetensors");
        var reports = Migrator.Run(
            Request(folder.At("run"), MigrationDirection.Upgrade, folder.At("out")) with { Verification = VerificationMode.Full },
            TestContext.Current.CancellationToken);
        Assert.Equal(2, reports.Count);
        Assert.All(
            reports,
            report => Assert.Equal((Digest(report.Path), Digest(report.Output!)), (report.SourceSha256, report.OutputSha256)),
            throwIfEmpty: true);
    }

    private static string Digest(string path) => WorkFolder.Sha256(path).ToLowerInvariant();

    private static CheckpointReport Run(string source, MigrationDirection direction, string? output, VerificationMode? mode)
    {
        var request = Request(source, direction, output) with { Verification = mode };
        var report = Assert.Single(Migrator.Run(request, TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return report;
    }

    private static MigrationRequest Request(string source, MigrationDirection direction, string? output) => new()
    {
        Path = source,
        Output = output,
        InPlace = output is null,
        Direction = direction,
        Geometry = MigratedFolder.Geometry,
        Engine = () => new StreamReorderEngine(),
    };
}
