using System.Globalization;
using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Checkpoints that make a canary file where something loads their pickle. The tool names why, and runs nothing.</summary>
public sealed class MaliciousPickleTests : IDisposable
{
    private readonly WorkFolder folder = new();
    private readonly JsonElement described;

    public MaliciousPickleTests()
    {
        var made = PyTorch.Run("malicious/make_malicious.py", folder.At("files"), Canary);
        Assert.True(made.ExitCode == 0, made.Error);
        described = JsonDocument.Parse(File.ReadAllText(folder.At("files", "malicious.json"))).RootElement;
    }

    private string Canary => folder.At("canary");

    private string[] Files => [.. described.EnumerateObject().Select(file => folder.At("files", $"{file.Name}.pth"))];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void There_are_more_than_sixty_of_them() => Assert.InRange(Files.Length, 60, 1000);

    [Theory]
    [InlineData("upgrade")]
    [InlineData("downgrade")]
    public void Each_is_refused_by_the_name_of_its_global(string command)
    {
        var before = folder.Snapshot();

        var run = Tool.Run([command, .. Files, "--json"]);

        Assert.Equal(1, run.ExitCode);
        Assert.All(CheckpointsOf(run), checkpoint =>
        {
            Assert.Equal("refused", checkpoint.Text("status"));
            var error = checkpoint.GetProperty("error");
            Assert.Equal("unsafe", error.Text("code"));
            Assert.Contains(Named(checkpoint.Text("path")!), error.Text("message"), StringComparison.Ordinal);
            Assert.Matches(@" at byte \d+: the pickle names ", error.Text("message"));
        }, throwIfEmpty: true);
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void What_of_PyTorch_nobody_listed_is_refused_in_files()
    {
        const int count = 300;
        var made = PyTorch.Run("malicious/known_globals.py", folder.At("known"), count.ToString(CultureInfo.InvariantCulture));
        Assert.True(made.ExitCode == 0, made.Error);
        var names = JsonSerializer.Deserialize<string[]>(File.ReadAllText(folder.At("known", "names.json")))!;
        Assert.Equal(count, names.Length);

        var run = Tool.Run(["upgrade", .. Enumerable.Range(0, count).Select(number => folder.At("known", $"{number:000}.pth")), "--json"]);

        Assert.Equal(1, run.ExitCode);
        var checkpoints = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().ToList();
        Assert.Equal(count, checkpoints.Count);
        Assert.All(checkpoints.Zip(names), pair =>
        {
            Assert.Equal("unsafe", pair.First.GetProperty("error").Text("code"));
            Assert.Contains($"the pickle names {pair.Second} (", pair.First.GetProperty("error").Text("message"), StringComparison.Ordinal);
        }, throwIfEmpty: true);
    }

    [Fact]
    public void Inspect_lists_the_globals()
    {
        var run = Tool.Run(["inspect", .. Files, "--json"]);

        Assert.Equal(0, run.ExitCode);
        Assert.All(CheckpointsOf(run), checkpoint =>
            Assert.Contains(checkpoint.GetProperty("globals").EnumerateArray(), global =>
                global.Text("safety") == "dangerous" && global.Text("name")!.Contains(Named(checkpoint.Text("path")!), StringComparison.Ordinal)), throwIfEmpty: true);
        Assert.False(File.Exists(Canary));
    }

    [Fact]
    public void Who_allows_them_has_them_read_and_not_run()
    {
        var run = Tool.Run(["upgrade", .. Files, "--allow-unsafe-pickle", "--json"]);

        Assert.Equal(0, run.ExitCode);
        Assert.All(CheckpointsOf(run), checkpoint =>
        {
            Assert.Equal("unchanged", checkpoint.Text("status"));
            Assert.Contains(checkpoint.GetProperty("advice").EnumerateArray(), advice => advice.Text("code") == "pickle-unsafe-global");
        }, throwIfEmpty: true);
        Assert.False(File.Exists(Canary));
    }

    [Fact]
    public void Torch_load_runs_those_that_are_said_to_be_live()
    {
        var run = PyTorch.Run("malicious/torch_load.py", folder.At("files"), Canary);

        Assert.True(run.ExitCode == 0, run.Error);
        var live = described.EnumerateObject().Where(file => file.Value.GetProperty("live").GetBoolean()).Select(file => file.Name);
        Assert.NotEmpty(live);
        Assert.Equal(live.Order(StringComparer.Ordinal), JsonSerializer.Deserialize<string[]>(run.Output)!.Order(StringComparer.Ordinal));
    }

    /// <summary>What a run says of each file; it leaves none out.</summary>
    private List<JsonElement> CheckpointsOf(ProcessResult run)
    {
        var checkpoints = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().ToList();
        Assert.NotEmpty(Files);
        Assert.Equal(Files, checkpoints.Select(checkpoint => checkpoint.Text("path")));
        return checkpoints;
    }

    private string Named(string path) => described.GetProperty(Path.GetFileNameWithoutExtension(path)).Text("global")!;
}
