using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>One upgrade that PyTorch has judged to be right; others of the same fixture must be the same, byte for byte.</summary>
public sealed class JudgedUpgrade : IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly Lazy<string> _sha256;

    public JudgedUpgrade(FixtureSet fixtures) => _sha256 = new(() => UpgradeAndJudge(fixtures[FixtureName]));

    public static string FixtureName => "gqa-bfloat16";

    /// <summary>The upgraded checkpoint's SHA-256.</summary>
    public string Sha256 => _sha256.Value;

    public void Dispose() => _folder.Dispose();

    private string UpgradeAndJudge(Fixture fixture)
    {
        var original = Path.Combine(fixture.Folder, fixture.Checkpoint);
        var upgraded = _folder.At("lit_model.pth");
        var run = Tool.Run("upgrade", original, "-o", upgraded);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(Expectation.Judge([new UpgradedPair(FixtureName, original, upgraded, fixture.Geometry)])[FixtureName]);
        return WorkFolder.Sha256(upgraded);
    }
}
