using System.Text.Json;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>An original and its upgrade, for PyTorch to judge.</summary>
/// <param name="Name">The pair's name in the verdicts.</param>
/// <param name="Original">The original checkpoint's file.</param>
/// <param name="Upgraded">The upgraded checkpoint's file.</param>
/// <param name="Geometry"><c>n_head</c>, <c>n_query_groups</c>, <c>head_size</c>.</param>
internal sealed record UpgradedPair(string Name, string Original, string Upgraded, JsonElement Geometry);

/// <summary>The independent expectation, <c>tests/fixtures/expectation.py</c>.</summary>
internal static class Expectation
{
    /// <summary>The differences between each upgrade and a right one, by the pair's name; all in one Python process.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Judge(IReadOnlyCollection<UpgradedPair> pairs)
    {
        using var folder = new WorkFolder();
        var list = folder.At("pairs.json");
        File.WriteAllText(list, JsonSerializer.Serialize(pairs, JsonSerializerOptions.Web));
        var judged = PyTorch.Run("expectation.py", list);
        Assert.True(judged.ExitCode is 0 or 1 && judged.Output.Length > 0, judged.Error);
        var verdicts = JsonSerializer.Deserialize<Dictionary<string, IReadOnlyList<string>>>(judged.Output)!;
        Assert.Equal(pairs.Select(pair => pair.Name).Order(), verdicts.Keys.Order());
        return verdicts;
    }
}
