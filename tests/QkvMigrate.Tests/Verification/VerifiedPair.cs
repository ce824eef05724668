using QkvMigrate.Attention;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>A checkpoint and its upgrade in a folder of their own, and what a verification says of a changed upgrade.</summary>
internal sealed class VerifiedPair : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-verify-");

    public VerifiedPair(byte[] original, AttentionGeometry geometry, AttentionGeometry? writtenWith = null, MigrationDirection direction = MigrationDirection.Upgrade)
    {
        Geometry = geometry;
        File.WriteAllBytes(OriginalPath, original);
        Migrate(OriginalPath, UpgradedPath, writtenWith ?? geometry, direction);
        Upgraded = File.ReadAllBytes(UpgradedPath);
    }

    public AttentionGeometry Geometry { get; }

    public string OriginalPath => Path.Combine(folder.FullName, "original.pth");

    public string UpgradedPath => Path.Combine(folder.FullName, "upgraded.pth");

    /// <summary>The upgrade's bytes as they were written.</summary>
    public byte[] Upgraded { get; }

    public VerificationReport Verify(VerificationMode mode = VerificationMode.Full) =>
        KnownGeometry.Verify(OriginalPath, UpgradedPath, Geometry, mode, TestContext.Current.CancellationToken);

    /// <summary>Verifies other bytes in the upgrade's place.</summary>
    public VerificationReport Verify(byte[] upgraded, VerificationMode mode = VerificationMode.Full)
    {
        File.WriteAllBytes(UpgradedPath, upgraded);
        return Verify(mode);
    }

    public void Dispose() => folder.Delete(recursive: true);

    public static void Migrate(string from, string to, AttentionGeometry geometry, MigrationDirection direction)
    {
        var engine = new StreamReorderEngine();
        var report = Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = from,
                Output = to,
                Direction = direction,
                Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                Force = true,
                Engine = () => engine,
            },
            TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
    }

    /// <summary>Why a file is refused.</summary>
    public static MigrationException Refusal(string path, AttentionGeometry geometry, MigrationDirection direction = MigrationDirection.Upgrade)
    {
        var request = new MigrationRequest
        {
            Path = path,
            Direction = direction,
            Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
            DryRun = true,
            Engine = () => throw new InvalidOperationException("a dry run reorders nothing"),
        };
        return Assert.IsType<MigrationException>(Assert.Single(Migrator.Run(request, TestContext.Current.CancellationToken)).Error);
    }
}
