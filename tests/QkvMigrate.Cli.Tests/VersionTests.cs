using System.Text.RegularExpressions;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The version is said in Directory.Build.props; what cannot take it from there is held to the program's own word.</summary>
public sealed partial class VersionTests
{
    private static readonly string Version = Tool.Run("--version").Output.TrimEnd('\n').Split('+')[0];

    [Fact]
    public void The_changelog_begins_with_it()
    {
        var versions = Heading().Matches(Read("CHANGELOG.md")).Select(heading => heading.Groups["version"].Value).ToList();
        Assert.Equal(Version, versions[0]);
        Assert.Equal(versions.OrderByDescending(System.Version.Parse), versions);
        Assert.Equal(versions.Distinct(), versions);
    }

    [Fact]
    public void The_cluster_recipe_takes_its_image() => Assert.Contains($" image: qkvmigrate:{Version}\n", Read("samples", "cluster", "kubernetes.yaml"), StringComparison.Ordinal);

    private static string Read(params string[] names) => File.ReadAllText(Repository.At(names));

    // ## [0.2.0] - unreleased
    [GeneratedRegex(@"^## \[(?<version>\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d\d-\d\d)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();
}
