using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Cli.Tests;

/// <summary>What became of one fixture: upgraded beside a copy of itself, and the upgrade downgraded again.</summary>
/// <param name="Copy">The copy of the fixture's directory that was upgraded.</param>
/// <param name="Upgrade">The upgrade's run.</param>
/// <param name="Upgraded">The upgraded directory.</param>
/// <param name="Downgrade">The downgrade's run.</param>
/// <param name="Back">The directory that the downgrade made.</param>
public sealed record RoundTrip(string Copy, ProcessResult Upgrade, string Upgraded, ProcessResult Downgrade, string Back);

/// <summary>Every fixture that is to be upgraded, upgraded once, and judged by PyTorch in one process.</summary>
public sealed class UpgradedFixtures : IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly FixtureSet _fixtures;
    private readonly Lazy<IReadOnlyDictionary<string, RoundTrip>> _roundTrips;
    private readonly Lazy<IReadOnlyDictionary<string, IReadOnlyList<string>>> _differences;

    public UpgradedFixtures(FixtureSet fixtures)
    {
        _fixtures = fixtures;
        _roundTrips = new(UpgradeAll);
        _differences = new(JudgeAll);
    }

    public RoundTrip RoundTripOf(string name)
    {
        PyTorch.Require();
        return _roundTrips.Value[name];
    }

    public IReadOnlyList<string> DifferencesOf(string name)
    {
        PyTorch.Require();
        return _differences.Value[name];
    }

    public void Dispose() => _folder.Dispose();

    private Dictionary<string, RoundTrip> UpgradeAll() =>
        Catalogue.Upgraded.AsParallel().ToDictionary(name => name, name => UpgradeAndDowngrade(name));

    private RoundTrip UpgradeAndDowngrade(string name)
    {
        var fixture = _fixtures[name];
        var copy = _folder.Take(fixture.Folder);
        var upgraded = _folder.At(name + "-qkv");
        var back = _folder.At(name + "-back");
        var upgrade = Tool.Run(["upgrade", copy, .. fixture.Arguments]);
        var downgrade = Tool.Run(["downgrade", upgraded, "-o", back, .. fixture.Arguments]);
        return new RoundTrip(copy, upgrade, upgraded, downgrade, back);
    }

    private IReadOnlyDictionary<string, IReadOnlyList<string>> JudgeAll()
    {
        var pairs = Catalogue.Upgraded.Select(name => new UpgradedPair(
            name,
            Path.Combine(_fixtures[name].Folder, _fixtures[name].Checkpoint),
            Path.Combine(_roundTrips.Value[name].Upgraded, _fixtures[name].Checkpoint),
            _fixtures[name].Geometry,
            _fixtures[name].Splits));
        return Expectation.Judge([.. pairs]);
    }
}
