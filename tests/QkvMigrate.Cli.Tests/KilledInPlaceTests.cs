using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Changes in place that are killed at random moments, and whose recoveries are killed: after the last recovery the file is the old one or
/// the new one, byte for byte, and nothing else is left. QKVMIGRATE_KILLS sets how many.
/// </summary>
public sealed class KilledInPlaceTests(ITestOutputHelper log) : IDisposable
{
    private const int Layers = 24;
    private const int Seed = 20241222;
    private const int Kills = 16;

    /// <summary>Two of three kills strike within this time of the journal, because most of a run is its start.</summary>
    private const int MillisecondsOfWriting = 150;

    private readonly WorkFolder folder = new();
    private readonly Random random = new(Seed);

    private string Source => folder.At("work", "model.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_killed_change_in_place_is_recovered_to_either_end()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("QKVMIGRATE_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : Kills;
        LegacyCheckpoint.Write(folder.At("original"), Layers);
        Assert.Equal(0, Tool.Run(["upgrade", folder.At("original"), "-o", folder.At("renewed"), .. LegacyCheckpoint.Arguments]).ExitCode);
        var (old, renewed) = (WorkFolder.Sha256(folder.At("original")), WorkFolder.Sha256(folder.At("renewed")));
        Directory.CreateDirectory(folder.At("work"));
        var (away, killedRecoveries, ends) = (0, 0, new Dictionary<string, int>(StringComparer.Ordinal) { [old] = 0, [renewed] = 0 });
        for (var i = 0; i < kills; i++)
        {
            File.Copy(folder.At("original"), Source, overwrite: true);
            Kill("upgrade", Source, "--in-place", "--journal", "--engine", "stream", "--verify", i % 4 == 0 ? "full" : "quick");
            away += File.Exists(Source) ? 0 : 1;
            Assert.True(!File.Exists(Source) || new[] { old, renewed }.Contains(WorkFolder.Sha256(Source)), "a third file has the name");
            string[] recover = ["recover", folder.At("work"), .. i % 2 == 0 ? ["--undo"] : Array.Empty<string>()];
            while (Hidden().Any() && random.Next(2) == 0)
            {
                killedRecoveries++;
                Kill(recover);
            }

            var last = Tool.Run(recover);

            // A new file that only lacks its name is not taken back by its journal.
            last = last.ExitCode == 0 ? last : Tool.Run("recover", folder.At("work"));
            Assert.True(last.ExitCode == 0, last.Error);
            var found = WorkFolder.Sha256(Source);
            ends[found]++;
            Assert.Equal(["model.pth"], Directory.EnumerateFileSystemEntries(folder.At("work")).Select(path => Path.GetFileName(path)));
        }

        log.WriteLine($"{kills} kills, {away} left the file under its other name, {killedRecoveries} recoveries were killed; ends: {ends[old]} old, {ends[renewed]} new");
    }

    /// <summary>Kills a run, at any moment, or soon after its journal is there.</summary>
    private void Kill(params string[] arguments)
    {
        using var run = RunningTool.Start([.. arguments, .. arguments[0] == "upgrade" ? LegacyCheckpoint.Arguments : []]);
        if (random.Next(3) > 0)
        {
            while (!run.HasEnded && !Hidden().Any(name => name.EndsWith("-journal", StringComparison.Ordinal)))
            {
                Thread.Sleep(1);
            }

            Thread.Sleep(random.Next(MillisecondsOfWriting));
        }
        else
        {
            Thread.Sleep(random.Next(1000));
        }

        run.Kill();
        run.Wait();
    }

    private IEnumerable<string> Hidden() => Directory.EnumerateFileSystemEntries(folder.At("work"), ".*");
}
