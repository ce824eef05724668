using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>With <c>--json</c>, standard output holds one document of the versioned schema and nothing else.</summary>
public sealed class JsonTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Upgrade_reports_the_checkpoint()
    {
        var copy = _folder.Take(fixtures["gqa-float16"].Folder);
        var checkpoint = JsonReport.OnlyCheckpoint(Tool.Run("upgrade", copy, "--json"));

        Assert.Equal(Path.Combine(copy, "lit_model.pth"), checkpoint.Text("path"));
        Assert.Equal(Path.Combine(copy + "-qkv", "lit_model.pth"), checkpoint.Text("output"));
        Assert.Equal("upgraded", checkpoint.Text("status"));
        Assert.Equal("torch-zip", checkpoint.Text("format"));
        Assert.Equal("interleaved", checkpoint.Text("layout"));
        AssertGeometry(checkpoint, nHead: 6, nQueryGroups: 2, headSize: 4);
        Assert.Contains("model_config.yaml", checkpoint.GetProperty("geometry").Text("source"), StringComparison.Ordinal);
        var tensors = checkpoint.GetProperty("tensors");
        Assert.Equal(28, tensors.GetProperty("total").GetInt32());
        Assert.Equal(4, tensors.GetProperty("reordered").GetInt32());
        Assert.Equal(24, tensors.GetProperty("untouched").GetInt32());
        var bytes = checkpoint.GetProperty("bytes");
        Assert.Equal(new FileInfo(Path.Combine(copy, "lit_model.pth")).Length, bytes.GetProperty("source").GetInt64());
        Assert.Equal(new FileInfo(checkpoint.Text("output")!).Length, bytes.GetProperty("output").GetInt64());
        // Two layers, each a weight and a bias of 40 rows in float16.
        Assert.Equal(2 * 40 * (24 + 1) * sizeof(ushort), bytes.GetProperty("reordered").GetInt64());
        Assert.Equal(JsonValueKind.Array, checkpoint.GetProperty("advice").ValueKind);
        Assert.True(checkpoint.GetProperty("seconds").GetDouble() >= 0);
    }

    [Fact]
    public void Downgrade_reports_the_checkpoint()
    {
        var copy = _folder.Take(fixtures["already-upgraded"].Folder);
        var checkpoint = JsonReport.OnlyCheckpoint(Tool.Run("downgrade", copy, "--json", "-o", _folder.At("old")));
        Assert.Equal("downgraded", checkpoint.Text("status"));
        Assert.Equal(_folder.At("old", "lit_model.pth"), checkpoint.Text("output"));
    }

    [Fact]
    public void Inspect_tells_the_layouts_apart()
    {
        var legacy = _folder.Take(fixtures["gqa-float32"].Folder);
        var upgraded = _folder.Take(fixtures["already-upgraded"].Folder);
        var run = Tool.Run("inspect", legacy, upgraded, "--json");
        Assert.Equal(0, run.ExitCode);
        var checkpoints = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().ToList();
        Assert.Equal(["interleaved", "sequential"], checkpoints.Select(checkpoint => checkpoint.Text("layout")));
        Assert.All(checkpoints, checkpoint => AssertGeometry(checkpoint, nHead: 6, nQueryGroups: 2, headSize: 4), throwIfEmpty: true);
    }

    [Fact]
    public void A_refusal_is_a_document_too()
    {
        var copy = _folder.Take(fixtures["wrong-head-count"].Folder);
        var run = Tool.Run("upgrade", copy, "--json");
        Assert.Equal(1, run.ExitCode);
        var checkpoint = JsonReport.OnlyCheckpoint(run);
        Assert.Equal("refused", checkpoint.Text("status"));
        Assert.Contains("n_head", checkpoint.GetProperty("error").Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_geometry_of_the_command_line_is_said_to_come_from_there()
    {
        var fixture = fixtures["command-line-geometry"];
        var run = Tool.Run(["upgrade", _folder.Take(fixture.Folder), "--json", "--dry-run", .. fixture.Arguments]);
        var geometry = JsonReport.OnlyCheckpoint(run).GetProperty("geometry");
        Assert.Equal("--n-head, --n-query-groups and --head-size", geometry.Text("source"));
    }

    private static void AssertGeometry(JsonElement checkpoint, int nHead, int nQueryGroups, int headSize)
    {
        var geometry = checkpoint.GetProperty("geometry");
        Assert.Equal(nHead, geometry.GetProperty("nHead").GetInt32());
        Assert.Equal(nQueryGroups, geometry.GetProperty("nQueryGroups").GetInt32());
        Assert.Equal(headSize, geometry.GetProperty("headSize").GetInt32());
    }
}
