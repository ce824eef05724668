using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>With <c>--json</c>, standard output holds one document of the versioned schema and nothing else.</summary>
public sealed class JsonTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void UpgradeReportsTheCheckpoint()
    {
        var copy = _folder.Take(fixtures["gqa-float16"].Folder);
        var checkpoint = JsonReport.OnlyCheckpoint(Tool.Run("upgrade", copy, "--json"));

        Assert.Equal(copy, checkpoint.Text("path"));
        Assert.Equal(copy + "-qkv", checkpoint.Text("output"));
        Assert.Equal("upgraded", checkpoint.Text("status"));
        Assert.NotEqual("", checkpoint.Text("format"));
        AssertGeometry(checkpoint, nHead: 6, nQueryGroups: 2, headSize: 4);
        Assert.Contains("model_config.yaml", checkpoint.GetProperty("geometry").Text("source"), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Object, checkpoint.GetProperty("tensors").ValueKind);
        Assert.Equal(JsonValueKind.Object, checkpoint.GetProperty("bytes").ValueKind);
        Assert.Equal(JsonValueKind.Array, checkpoint.GetProperty("advice").ValueKind);
        Assert.True(checkpoint.GetProperty("seconds").GetDouble() >= 0);
    }

    [Fact]
    public void DowngradeReportsTheCheckpoint()
    {
        var copy = _folder.Take(fixtures["already-upgraded"].Folder);
        var checkpoint = JsonReport.OnlyCheckpoint(Tool.Run("downgrade", copy, "--json", "-o", _folder.At("old")));
        Assert.Equal("downgraded", checkpoint.Text("status"));
        Assert.Equal(_folder.At("old"), checkpoint.Text("output"));
    }

    [Fact]
    public void InspectTellsTheLayoutsApart()
    {
        var legacy = _folder.Take(fixtures["gqa-float32"].Folder);
        var upgraded = _folder.Take(fixtures["already-upgraded"].Folder);
        var run = Tool.Run("inspect", legacy, upgraded, "--json");
        Assert.Equal(0, run.ExitCode);
        var checkpoints = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().ToList();
        Assert.Equal(["interleaved", "sequential"], checkpoints.Select(checkpoint => checkpoint.Text("layout")));
        Assert.All(checkpoints, checkpoint => AssertGeometry(checkpoint, nHead: 6, nQueryGroups: 2, headSize: 4));
    }

    [Fact]
    public void ARefusalIsADocumentToo()
    {
        var copy = _folder.Take(fixtures["wrong-head-count"].Folder);
        var run = Tool.Run("upgrade", copy, "--json");
        Assert.Equal(1, run.ExitCode);
        var checkpoint = JsonReport.OnlyCheckpoint(run);
        Assert.Equal("refused", checkpoint.Text("status"));
        Assert.Contains("n_head", checkpoint.GetProperty("error").Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheGeometryOfTheCommandLineIsSaidToComeFromThere()
    {
        var fixture = fixtures["command-line-geometry"];
        var run = Tool.Run(["upgrade", _folder.Take(fixture.Folder), "--json", "--dry-run", .. fixture.Arguments]);
        var geometry = JsonReport.OnlyCheckpoint(run).GetProperty("geometry");
        Assert.Contains("command line", geometry.Text("source"), StringComparison.Ordinal);
    }

    private static void AssertGeometry(JsonElement checkpoint, int nHead, int nQueryGroups, int headSize)
    {
        var geometry = checkpoint.GetProperty("geometry");
        Assert.Equal(nHead, geometry.GetProperty("nHead").GetInt32());
        Assert.Equal(nQueryGroups, geometry.GetProperty("nQueryGroups").GetInt32());
        Assert.Equal(headSize, geometry.GetProperty("headSize").GetInt32());
    }
}
