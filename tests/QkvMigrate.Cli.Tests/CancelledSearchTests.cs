using System.Diagnostics;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A large tree takes a while to be searched, over a network minutes: a signal ends the search as it ends the work.</summary>
public sealed class CancelledSearchTests : IDisposable
{
    private const int Folders = 20_000;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private readonly WorkFolder folder = new();

    public CancelledSearchTests()
    {
        LegacyCheckpoint.Write(Directory.CreateDirectory(folder.At("tree", "zz")).FullName + "/lit_model.pth", 1);
        for (var i = 0; i < Folders; i++)
        {
            Directory.CreateDirectory(folder.At("tree", $"a{i % 100}", $"b{i}"));
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("INT", 130, "inspect", "tree")]
    [InlineData("TERM", 143, "upgrade", "tree")]
    [InlineData("HUP", 129, "upgrade", "tree", "--in-place")]
    [InlineData("QUIT", 131, "verify", "tree", "tree")]
    public void A_signal_ends_the_search(string signal, int exitCode, string command, params string[] arguments)
    {
        using var run = RunningTool.Start([command, .. arguments.Select(word => word == "tree" ? folder.At("tree") : word)]);
        while (!IsSearching(run.Id))
        {
            Assert.False(run.HasEnded, "it ended before it was seen to search");
        }

        var start = Stopwatch.GetTimestamp();
        run.Signal(signal);
        var ended = run.Wait();
        Assert.Equal((exitCode, "qkvmigrate: cancelled; nothing was left behind\n"), (ended.ExitCode, ended.Error));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, Soon);
        Assert.Equal([folder.At("tree")], Directory.GetFileSystemEntries(folder.Path));
    }

    /// <summary>Whether the process has a folder of the tree open.</summary>
    private bool IsSearching(int process)
    {
        try
        {
            return Directory.GetFileSystemEntries($"/proc/{process}/fd").Any(name => new FileInfo(name).LinkTarget?.StartsWith(folder.At("tree"), StringComparison.Ordinal) == true);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
