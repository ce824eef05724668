using System.Text.Json;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>An original and its upgrade, for PyTorch to judge.</summary>
/// <param name="Name">The pair's name in the verdicts.</param>
/// <param name="Original">The original checkpoint's file.</param>
/// <param name="Upgraded">The upgraded checkpoint's file.</param>
/// <param name="Geometry"><c>n_head</c>, <c>n_query_groups</c>, <c>head_size</c>.</param>
/// <param name="Splits">True where a legacy tensor needs a storage of its own.</param>
internal sealed record UpgradedPair(string Name, string Original, string Upgraded, JsonElement Geometry, bool Splits = false);

/// <summary>The independent expectation, <c>tests/fixtures/expectation.py</c>.</summary>
internal static class Expectation
{
    /// <summary>The differences between each upgrade and a right one, by the pair's name; all in one Python process.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Judge(IReadOnlyCollection<UpgradedPair> pairs)
    {
        var verdicts = Compare("expectation.py", pairs);
        Assert.Equal(pairs.Select(pair => pair.Name).Order(), verdicts.Keys.Order());
        return verdicts;
    }

    /// <summary>Has a script of <c>tests/fixtures</c> compare pairs, and returns the differences that it found by the pair's name.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Compare<TPair>(string script, IReadOnlyCollection<TPair> pairs)
    {
        using var folder = new WorkFolder();
        var list = folder.At("pairs.json");
        File.WriteAllText(list, JsonSerializer.Serialize(pairs, JsonSerializerOptions.Web));
        var compared = PyTorch.Run(script, list);
        Assert.True(compared.ExitCode is 0 or 1 && compared.Output.Length > 0, compared.Error);
        return JsonSerializer.Deserialize<Dictionary<string, IReadOnlyList<string>>>(compared.Output)!;
    }
}
