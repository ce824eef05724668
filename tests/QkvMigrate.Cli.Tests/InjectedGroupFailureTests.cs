using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Calls that fail while many small checkpoints are synced together: no failure is lost, and none is told of another checkpoint.</summary>
public sealed class InjectedGroupFailureTests : IDisposable
{
    private const int Models = 24;

    private readonly WorkFolder folder = new();

    public InjectedGroupFailureTests()
    {
        PortableSwitch.SkipWhereItIsOn();
        foreach (var number in Enumerable.Range(0, Models))
        {
            Directory.CreateDirectory(folder.At("tree", NameOf(number)));
            LegacyCheckpoint.Write(folder.At("tree", NameOf(number), "lit_model.pth"), 1);
        }
    }

    public void Dispose() => folder.Dispose();

    /// <summary>What the whole filesystem's sync says is nobody's in particular: each is asked for by itself then.</summary>
    [Theory]
    [InlineData("syncfs:error=EIO")]
    [InlineData("syncfs:error=EIO:when=3+")]
    [InlineData("syncfs:error=ENOSYS")]
    [InlineData("sync_file_range:error=ENOSYS")]
    public void Where_the_filesystem_cannot_be_synced_as_a_whole_each_is_synced_by_itself(string rule)
    {
        var run = Inject(rule);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(Undisturbed(), Results("out"));
    }

    /// <summary>
    /// A checkpoint fails and says so, the others are made, and the next run makes what is missing. None fails where the call was one
    /// that is made for many, and each was then asked for by itself.
    /// </summary>
    [Theory]
    [InlineData("sync_file_range:error=EIO", null)]
    [InlineData("fsync:error=EIO", "out/m07")]
    [InlineData("rename:error=EIO", "out/m07")]
    [InlineData("fsync:error=EIO", "out/.qkvmigrate/reports")]
    [InlineData("fsync:error=EIO", "out/.qkvmigrate/manifest")]
    public void A_failure_of_one_call_is_told_and_the_next_run_does_the_rest(string rule, string? place)
    {
        var run = Inject($"{rule}:when=1", place is null ? [] : ["-P", folder.At(place)]);

        Assert.InRange(run.ExitCode, 0, 1);
        Assert.Equal(run.ExitCode == 1, run.Error.Contains("the disk reports an input/output error", StringComparison.Ordinal));
        var next = Tool.Run(Arguments("out"));
        Assert.True(next.ExitCode == 0, next.Error);
        Assert.Equal(Undisturbed(), Results("out"));
    }

    private static string NameOf(int number) => $"m{number:00}";

    private ProcessResult Inject(string rule, params IEnumerable<string> filter)
    {
        var tracer = Strace.Command(rule, filter);
        return ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, .. Arguments("out")], Tool.Environment);
    }

    private string[] Arguments(string output) =>
        ["upgrade", folder.At("tree"), "-o", folder.At(output), "--jobs", "2", "--engine", "stream", .. LegacyCheckpoint.Arguments];

    private List<KeyValuePair<string, string>> Undisturbed()
    {
        var run = Tool.Run(Arguments("undisturbed"));
        Assert.True(run.ExitCode == 0, run.Error);
        return Results("undisturbed");
    }

    private List<KeyValuePair<string, string>> Results(string output) =>
        [.. WorkFolder.Snapshot(folder.At(output)).Where(file => !file.Key.StartsWith(".qkvmigrate/", StringComparison.Ordinal))];
}
