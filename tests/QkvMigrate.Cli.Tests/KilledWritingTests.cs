using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Upgrades that are killed at random moments, to a new file, in place, and in place with a backup: the file under the name
/// is whole, the old one or the new one, with a backup the old one is there under one name or the other, and the next run
/// takes away what was left. QKVMIGRATE_KILLS sets how many.
/// </summary>
public sealed class KilledWritingTests(ITestOutputHelper log) : IDisposable
{
    private const int Layers = 24;
    private const int Seed = 20241216;
    private const int Kills = 24;
    private const string Suffix = ".old";

    /// <summary>Half of the kills strike within this time of the first file, because most of a run is its start.</summary>
    private const int MillisecondsOfWriting = 120;

    private readonly WorkFolder folder = new();

    private enum Way
    {
        NewFile,
        InPlace,
        WithBackup,
    }

    private string Source => folder.At("model.pth");

    private string Target => folder.At("model-qkv.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_killed_run_leaves_the_old_file_or_the_new_one_and_the_next_run_sweeps()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("QKVMIGRATE_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : Kills;
        LegacyCheckpoint.Write(folder.At("original"), Layers);
        var old = WorkFolder.Sha256(folder.At("original"));
        var duration = CleanRun();
        var renewed = WorkFolder.Sha256(Target);
        var random = new Random(Seed);
        var outcomes = Enum.GetValues<Way>().ToDictionary(way => way, _ => (Old: 0, New: 0, Leftovers: 0));
        for (var i = 0; i < kills; i++)
        {
            var way = (Way)(i % 3);
            var inPlace = way != Way.NewFile;
            Reset();
            using (var run = RunningTool.Start(Arguments(way)))
            {
                if (i % 2 == 0)
                {
                    Thread.Sleep(random.Next((int)duration.TotalMilliseconds));
                }
                else
                {
                    WaitForLock(run);
                    Thread.Sleep(random.Next(MillisecondsOfWriting));
                }

                run.Kill();
                run.Wait();
            }

            var found = inPlace || File.Exists(Target) ? WorkFolder.Sha256(inPlace ? Source : Target) : old;
            Assert.Contains(found, new[] { old, renewed });
            Assert.True(inPlace || WorkFolder.Sha256(Source) == old);
            Assert.True(way != Way.WithBackup || found == old || WorkFolder.Sha256(Source + Suffix) == old);
            var outcome = outcomes[way];
            outcomes[way] = (outcome.Old + (found == old ? 1 : 0), outcome.New + (found == old ? 0 : 1), outcome.Leftovers + (Hidden().Any() ? 1 : 0));

            var next = Tool.Run([.. Arguments(way), .. inPlace ? Array.Empty<string>() : ["--force"]]);

            Assert.True(next.ExitCode == 0, next.Error);
            Assert.Equal(renewed, WorkFolder.Sha256(inPlace ? Source : Target));
            Assert.True(way != Way.WithBackup || WorkFolder.Sha256(Source + Suffix) == old);
            Assert.Empty(Hidden());
        }

        log.WriteLine($"{kills} kills, half of them within {duration.TotalMilliseconds:0} ms of the start, half within {MillisecondsOfWriting} ms of the first file, none broken, none left");
        foreach (var (way, outcome) in outcomes)
        {
            log.WriteLine($"{way}: {outcome.Old} old, {outcome.New} new, {outcome.Leftovers} with leftovers");
        }
    }

    private TimeSpan CleanRun()
    {
        Reset();
        var start = DateTime.UtcNow;
        var run = Tool.Run(Arguments(Way.NewFile));
        Assert.True(run.ExitCode == 0, run.Error);
        return DateTime.UtcNow - start;
    }

    private void Reset()
    {
        File.Copy(folder.At("original"), Source, overwrite: true);
        File.Delete(Target);
        File.Delete(Source + Suffix);
    }

    private string[] Arguments(Way way) =>
    [
        "upgrade",
        Source,
        .. way switch
        {
            Way.InPlace => ["--in-place"],
            Way.WithBackup => ["--in-place", "--backup", Suffix],
            _ => Array.Empty<string>(),
        },
        "--engine",
        "stream",
        .. LegacyCheckpoint.Arguments,
    ];

    private void WaitForLock(RunningTool run)
    {
        while (!run.HasEnded && !Hidden().Any())
        {
            Thread.Sleep(1);
        }
    }

    /// <summary>What is being written; the record of backups stays.</summary>
    private IEnumerable<string> Hidden() => Directory.EnumerateFileSystemEntries(folder.Path, ".*").Where(entry => Path.GetFileName(entry) != ".qkvmigrate-backups");
}
