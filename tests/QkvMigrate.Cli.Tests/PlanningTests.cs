using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>--dry-run</c> and <c>--check</c> tell what an upgrade would do, and write nothing.</summary>
public sealed class PlanningTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Dry_run_names_each_tensor_before_and_after()
    {
        var run = RunWithoutWriting(0, "gqa-float32", "--dry-run");
        foreach (var suffix in new[] { "0.attn.{0}.weight", "0.attn.{0}.bias", "1.attn.{0}.weight", "1.attn.{0}.bias" })
        {
            Assert.Contains(string.Format(suffix, "attn"), run.Output, StringComparison.Ordinal);
            Assert.Contains(string.Format(suffix, "qkv"), run.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Dry_run_is_planned_in_JSON()
    {
        var checkpoint = JsonReport.OnlyCheckpoint(RunWithoutWriting(0, "gqa-float32", "--dry-run", "--json"));
        Assert.Equal("planned", checkpoint.Text("status"));
        Assert.Equal(_folder.At("gqa-float32-qkv", "lit_model.pth"), checkpoint.Text("output"));
        var moves = checkpoint.GetProperty("plan").GetProperty("moves").EnumerateArray().Select(move => move.Text("to"));
        Assert.Equal(
            ["transformer.h.0.attn.qkv.weight", "transformer.h.0.attn.qkv.bias", "transformer.h.1.attn.qkv.weight", "transformer.h.1.attn.qkv.bias"],
            moves);
    }

    [Fact]
    public void Dry_run_refuses_what_an_upgrade_would_refuse() =>
        Assert.Single(RunWithoutWriting(1, "wrong-head-count", "--dry-run").ErrorLines);

    [Fact]
    public void Check_finds_a_legacy_checkpoint() => RunWithoutWriting(3, "gqa-float32", "--check");

    [Fact]
    public void Check_of_an_upgraded_one_is_content() => RunWithoutWriting(0, "already-upgraded", "--check");

    [Fact]
    public void Check_of_something_else_is_content() => RunWithoutWriting(0, "nanogpt", "--check");

    [Fact]
    public void Check_finds_the_legacy_one_among_others()
    {
        var upgraded = _folder.Take(fixtures["already-upgraded"].Folder);
        var legacy = _folder.Take(fixtures["mqa-float32"].Folder);
        var before = _folder.Snapshot();
        Assert.Equal(3, Tool.Run("upgrade", upgraded, legacy, "--check").ExitCode);
        Assert.Equal(before, _folder.Snapshot());
    }

    private ProcessResult RunWithoutWriting(int exitCode, string name, params string[] options)
    {
        var copy = _folder.Take(fixtures[name].Folder);
        var before = _folder.Snapshot();
        var run = Tool.Run(["upgrade", copy, .. options]);
        Assert.True(run.ExitCode == exitCode, $"exit code {run.ExitCode}: {run.Error}");
        Assert.Equal(before, _folder.Snapshot());
        return run;
    }
}
