using System.Diagnostics;
using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Runs with the engine of TorchSharp that end before a row has moved, or by a signal while libtorch is being loaded: they
/// end with the documented exit code, and do not crash or hang. QKVMIGRATE_EARLY_ENDS says how many.
/// </summary>
public sealed class EarlyEndTests : IDisposable
{
    private static readonly int Runs = int.Parse(Environment.GetEnvironmentVariable("QKVMIGRATE_EARLY_ENDS") ?? "20", CultureInfo.InvariantCulture);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly (string Name, int ExitCode)[] Signals = [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)];

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void No_row_moves()
    {
        var renamed = folder.Take(Repository.At("tests", "golden", "falcon-mqa"));
        Assert.Equal(0, Tool.Run("upgrade", renamed, "-o", folder.At("done")).ExitCode);
        for (var i = 0; i < Runs; i++)
        {
            var (source, expected) = (i % 3) switch { 0 => (renamed, 0), 1 => (folder.At("done"), 0), _ => (folder.At("none"), 1) };
            var start = Stopwatch.GetTimestamp();
            var run = Tool.Run("upgrade", "--engine", "torch", source, "-o", folder.At($"new{i}"));
            Assert.Equal((i, expected, expected), (i, run.ExitCode, run.ErrorLines.Count));
            Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, Patience);
        }
    }

    [Fact]
    public void A_signal_comes_while_libtorch_loads()
    {
        var source = folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "model");
        var before = folder.Snapshot();
        var cancelled = 0;
        for (var i = 0; i < Runs; i++)
        {
            var (name, exitCode) = Signals[i % Signals.Length];
            // On a busy machine libtorch loads for so long that progress is told.
            using var run = RunningTool.Start("upgrade", "--quiet", "--engine", "torch", source, "-o", folder.At("new"));
            WaitForLibtorch(run);
            Thread.Sleep(10 * (i % 20));
            run.Signal(name);
            var ended = run.Wait();
            if (ended.ExitCode != 0)
            {
                cancelled++;
                Assert.Equal((i, exitCode), (i, ended.ExitCode));
                Assert.Single(ended.ErrorLines);
                Assert.Equal(before, folder.Snapshot());
            }
            else
            {
                Directory.Delete(folder.At("new"), recursive: true);
            }
        }

        Assert.NotEqual(0, cancelled);
    }

    private static void WaitForLibtorch(RunningTool run)
    {
        while (!run.HasEnded)
        {
            try
            {
                if (File.ReadAllText($"/proc/{run.Id}/maps").Contains("libtorch_cpu", StringComparison.Ordinal))
                {
                    return;
                }
            }
            catch (IOException)
            {
                // It is between two programs, or has just ended.
            }

            Thread.Sleep(1);
        }
    }
}
