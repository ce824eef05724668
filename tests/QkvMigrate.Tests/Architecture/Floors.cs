using QkvMigrate.Testing;

namespace QkvMigrate.Tests.Architecture;

/// <summary>The floors that <c>docs/architecture.md</c> draws: which folder of the library may use which.</summary>
internal static class Floors
{
    /// <summary>The folder of what stands beside the others.</summary>
    public const string Root = ".";

    private const string Everything = "all of the above";

    /// <summary>For each folder those that it may use, from the bottom to the top.</summary>
    public static IReadOnlyList<(string Folder, IReadOnlyList<string> Uses)> Read()
    {
        var lines = File.ReadAllLines(Repository.At("docs", "architecture.md"));
        var floors = new List<(string Folder, IReadOnlyList<string> Uses)>();
        foreach (var line in lines.SkipWhile(line => line != "| folder | what it is | uses |").Skip(2).TakeWhile(line => line.StartsWith('|')))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            floors.Add((Names(cells[1])[0], cells[3] == Everything ? [.. floors.Select(floor => floor.Folder)] : Names(cells[3])));
        }

        return floors;
    }

    /// <summary>What stands between pairs of backticks.</summary>
    private static List<string> Names(string cell) => [.. cell.Split('`').Where((_, i) => i % 2 == 1)];
}
