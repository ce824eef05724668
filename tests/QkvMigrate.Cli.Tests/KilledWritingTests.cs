using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Upgrades that are killed at random moments: the file under the name is whole, the old one or the new one, and the next
/// run takes away what was left. QKVMIGRATE_KILLS sets how many.
/// </summary>
public sealed class KilledWritingTests(ITestOutputHelper log) : IDisposable
{
    private const int Layers = 24;
    private const int Seed = 20241216;
    private const int Kills = 20;

    /// <summary>Half of the kills strike within this time of the first file, because most of a run is its start.</summary>
    private const int MillisecondsOfWriting = 120;

    private readonly WorkFolder folder = new();

    private string Source => folder.At("model.pth");

    private string Target => folder.At("model-qkv.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AKilledRunLeavesTheOldFileOrTheNewOneAndTheNextRunSweeps()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("QKVMIGRATE_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : Kills;
        LegacyCheckpoint.Write(folder.At("original"), Layers);
        var old = WorkFolder.Sha256(folder.At("original"));
        var duration = CleanRun();
        var renewed = WorkFolder.Sha256(Target);
        var random = new Random(Seed);
        var (survived, replaced, leftovers) = (0, 0, 0);
        for (var i = 0; i < kills; i++)
        {
            var inPlace = i % 2 == 0;
            Reset();
            using (var run = RunningTool.Start(Arguments(inPlace)))
            {
                if (i % 4 < 2)
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
            (survived, replaced) = found == old ? (survived + 1, replaced) : (survived, replaced + 1);
            leftovers += Hidden().Any() ? 1 : 0;

            var next = Tool.Run([.. Arguments(inPlace), .. inPlace ? Array.Empty<string>() : ["--force"]]);

            Assert.True(next.ExitCode == 0, next.Error);
            Assert.Equal(renewed, WorkFolder.Sha256(inPlace ? Source : Target));
            Assert.Empty(Hidden());
        }

        log.WriteLine($"{kills} kills, half of them within {duration.TotalMilliseconds:0} ms of the start, half within {MillisecondsOfWriting} ms of the first file: {survived} old, {replaced} new, {leftovers} with leftovers, none broken, none left");
    }

    private TimeSpan CleanRun()
    {
        Reset();
        var start = DateTime.UtcNow;
        var run = Tool.Run(Arguments(inPlace: false));
        Assert.True(run.ExitCode == 0, run.Error);
        return DateTime.UtcNow - start;
    }

    private void Reset()
    {
        File.Copy(folder.At("original"), Source, overwrite: true);
        File.Delete(Target);
    }

    private string[] Arguments(bool inPlace) =>
        ["upgrade", Source, .. inPlace ? ["--in-place"] : Array.Empty<string>(), "--engine", "stream", .. LegacyCheckpoint.Arguments];

    private void WaitForLock(RunningTool run)
    {
        while (!run.HasEnded && !Hidden().Any())
        {
            Thread.Sleep(1);
        }
    }

    private IEnumerable<string> Hidden() => Directory.EnumerateFileSystemEntries(folder.Path, ".*");
}
