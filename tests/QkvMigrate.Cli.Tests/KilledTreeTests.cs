using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Upgrades of a tree that are killed at random moments, to a new tree and in place, and finished by the next run: what is
/// there then is what one undisturbed run leaves, and nothing else. QKVMIGRATE_KILLS sets how many.
/// </summary>
public sealed class KilledTreeTests(ITestOutputHelper log) : IDisposable
{
    private const int Kills = 12;
    private const int Seed = 20250110;

    /// <summary>Some within others, and so many that they are synced together.</summary>
    private static readonly string[] Models = ["a", "a/inner", "b", "c", .. Enumerable.Range(0, 12).Select(number => $"many/{number:00}")];

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_killed_tree_that_is_finished_has_results_and_records_alone()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("QKVMIGRATE_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : Kills;
        foreach (var model in Models)
        {
            Directory.CreateDirectory(folder.At("original", model, "logs"));
            LegacyCheckpoint.Write(folder.At("original", model, "lit_model.pth"), 2);
            File.WriteAllText(folder.At("original", model, "logs", "day.txt"), model);
        }

        var random = new Random(Seed);
        var leftovers = 0;
        var expected = new[] { false, true }.ToDictionary(inPlace => inPlace, CleanRun);
        for (var i = 0; i < kills; i++)
        {
            var inPlace = i % 2 == 1;
            Reset();
            using (var run = RunningTool.Start(Arguments(inPlace)))
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(random.NextDouble() * expected[inPlace].Time.TotalMilliseconds));
                run.Kill();
                run.Wait();
            }

            leftovers += Hidden().Any() ? 1 : 0;
            var next = Tool.Run(Arguments(inPlace));

            Assert.True(next.ExitCode == 0, next.Error);
            Assert.Equal(expected[inPlace].Files, Results(inPlace));
            Assert.Empty(Hidden());
        }

        log.WriteLine($"{kills} kills, {leftovers} with leftovers, none left");
    }

    private (List<KeyValuePair<string, string>> Files, TimeSpan Time) CleanRun(bool inPlace)
    {
        Reset();
        var start = DateTime.UtcNow;
        var run = Tool.Run(Arguments(inPlace));
        Assert.True(run.ExitCode == 0, run.Error);
        return (Results(inPlace), DateTime.UtcNow - start);
    }

    private void Reset()
    {
        foreach (var old in new[] { folder.At("tree"), folder.At("out") }.Where(Directory.Exists))
        {
            Directory.Delete(old, recursive: true);
        }

        Assert.Equal(0, ChildProcess.Run("/bin/cp", ["-a", folder.At("original"), folder.At("tree")]).ExitCode);
    }

    private string[] Arguments(bool inPlace) =>
        ["upgrade", folder.At("tree"), .. inPlace ? ["--in-place"] : new[] { "-o", folder.At("out"), "--jobs", "2" }, "--engine", "stream", .. LegacyCheckpoint.Arguments];

    private List<KeyValuePair<string, string>> Results(bool inPlace) =>
        [.. WorkFolder.Snapshot(folder.At(inPlace ? "tree" : "out")).Where(file => !file.Key.StartsWith(".qkvmigrate/", StringComparison.Ordinal))];

    private IEnumerable<string> Hidden() =>
        Directory.EnumerateFileSystemEntries(folder.Path, ".*", SearchOption.AllDirectories).Where(name => name.EndsWith("-lock", StringComparison.Ordinal) || name.EndsWith("-tmp", StringComparison.Ordinal));
}
