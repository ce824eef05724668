using System.Text.Json;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>The names of the fixtures by what the tool is to do with them, from <c>tests/fixtures/catalogue.json</c>.</summary>
public static class Catalogue
{
    private static readonly Dictionary<string, string> Expectations = Read();

    public static IReadOnlyList<string> Upgraded { get; } = Names("upgraded");

    public static TheoryData<string> UpgradedFixtures => [.. Upgraded];

    public static TheoryData<string> UnchangedFixtures => [.. Names("unchanged")];

    public static TheoryData<string> RefusedFixtures => [.. Names("refused")];

    private static string[] Names(string expectation) =>
        [.. Expectations.Where(entry => entry.Value == expectation).Select(entry => entry.Key)];

    private static Dictionary<string, string> Read()
    {
        using var catalogue = typeof(Catalogue).Assembly.GetManifestResourceStream("catalogue.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(catalogue)!;
    }
}
