using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Every fixture that is to be upgraded, as PyTorch sees it before and after.</summary>
public sealed class UpgradeTests(FixtureSet fixtures, UpgradedFixtures upgraded) : IClassFixture<UpgradedFixtures>
{
    [Theory]
    [MemberData(nameof(Catalogue.UpgradedFixtures), MemberType = typeof(Catalogue))]
    public void PyTorch_reads_what_is_expected(string name)
    {
        var upgrade = upgraded.RoundTripOf(name).Upgrade;
        Assert.True(upgrade.ExitCode == 0, upgrade.Error);
        Assert.Empty(upgraded.DifferencesOf(name));
    }

    [Theory]
    [MemberData(nameof(Catalogue.UpgradedFixtures), MemberType = typeof(Catalogue))]
    public void Downgrade_gives_the_directory_back(string name)
    {
        var roundTrip = upgraded.RoundTripOf(name);
        Assert.True(roundTrip.Downgrade.ExitCode == 0, roundTrip.Downgrade.Error);
        if (fixtures[name].Splits)
        {
            // The way back cannot join what had to be split, but it brings back the values: their upgrade is the same.
            var fixture = fixtures[name];
            var again = new UpgradedPair(
                name,
                Path.Combine(roundTrip.Back, fixture.Checkpoint),
                Path.Combine(roundTrip.Upgraded, fixture.Checkpoint),
                fixture.Geometry);
            Assert.Empty(Expectation.Judge([again])[name]);
            return;
        }

        Assert.Equal(WorkFolder.Snapshot(fixtures[name].Folder), WorkFolder.Snapshot(roundTrip.Back));
    }

    [Theory]
    [MemberData(nameof(Catalogue.UpgradedFixtures), MemberType = typeof(Catalogue))]
    public void The_verifier_agrees_in_both_directions(string name)
    {
        var roundTrip = upgraded.RoundTripOf(name);
        foreach (var (from, to) in new[] { (roundTrip.Copy, roundTrip.Upgraded), (roundTrip.Upgraded, roundTrip.Back) })
        {
            var verify = Tool.Run(["verify", from, to, .. fixtures[name].Arguments]);
            Assert.True(verify.ExitCode == 0, verify.Output + verify.Error);
        }
    }

    [Theory]
    [MemberData(nameof(Catalogue.UpgradedFixtures), MemberType = typeof(Catalogue))]
    public void The_source_is_not_touched(string name) =>
        Assert.Equal(WorkFolder.Snapshot(fixtures[name].Folder), WorkFolder.Snapshot(upgraded.RoundTripOf(name).Copy));

    [Fact]
    public void Both_engines_write_the_same_files()
    {
        // Those without arguments of their own fit in one run of the program, which loads libtorch once.
        var names = Catalogue.Upgraded.Where(name => fixtures[name].Arguments.Count == 0).ToList();
        using var folder = new WorkFolder();
        foreach (var engine in new[] { "torch", "stream" })
        {
            var copies = names.Select(name => folder.Take(fixtures[name].Folder, Path.Combine(engine, name)));
            var run = Tool.Run(["upgrade", .. copies, "--in-place", "--engine", engine]);
            Assert.True(run.ExitCode == 0, run.Error);
        }

        Assert.Equal(WorkFolder.Snapshot(folder.At("stream")), WorkFolder.Snapshot(folder.At("torch")));
        Assert.All(names, name => Assert.NotEqual(WorkFolder.Snapshot(fixtures[name].Folder), WorkFolder.Snapshot(folder.At("torch", name))), throwIfEmpty: true);
    }
}
