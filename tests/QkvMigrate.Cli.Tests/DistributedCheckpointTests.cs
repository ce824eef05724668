using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Checkpoints that are cut over the files of several processes: refused as one thing, by what joins them.</summary>
public sealed class DistributedCheckpointTests : IDisposable
{
    private const string ByTorch = "python -m torch.distributed.checkpoint.format_utils dcp_to_torch";
    private const string ByFabric = "python -m lightning.fabric.utilities.consolidate_checkpoint";

    private readonly WorkFolder folder = new();

    public DistributedCheckpointTests()
    {
        var made = PyTorch.Run("distributed_folders.py", folder.Path);
        Assert.True(made.ExitCode == 0, made.Error);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("fabric", "fabric/lit_model.pth", ByFabric)]
    [InlineData("fabric/lit_model.pth", "fabric/lit_model.pth", ByTorch)]
    [InlineData("torch", "torch/step-7", ByTorch)]
    [InlineData("torch/step-7/__1_0.distcp", "torch/step-7/__1_0.distcp", ByTorch)]
    [InlineData("file", "file/lit_model.pth", ByTorch)]
    [InlineData("file/lit_model.pth", "file/lit_model.pth", ByTorch)]
    [InlineData("deepspeed", "deepspeed/global_step7", "zero_to_fp32.py")]
    [InlineData("deepspeed/global_step7/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt", "deepspeed/global_step7/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt", "zero_to_fp32.py")]
    public void Every_command_refuses_it_in_one_line(string path, string named, string command)
    {
        var before = folder.Snapshot();
        string[][] commandLines = [["upgrade"], ["upgrade", "--check"], ["upgrade", "--in-place"], ["upgrade", "--dry-run"], ["downgrade"], ["inspect"]];

        foreach (var commandLine in commandLines)
        {
            var run = Tool.Run([.. commandLine, folder.At(path)]);
            Assert.Equal(1, run.ExitCode);
            var line = Assert.Single(run.ErrorLines);
            Assert.StartsWith($"qkvmigrate: error: {folder.At(named)}: ", line, StringComparison.Ordinal);
            Assert.Contains(command, line, StringComparison.Ordinal);

            var checkpoint = JsonReport.OnlyCheckpoint(Tool.Run([.. commandLine, folder.At(path), "--json"]));
            Assert.Equal("refused", checkpoint.Text("status"));
            Assert.Equal("distributed", checkpoint.GetProperty("error").Text("code"));
        }

        Assert.Equal(before, folder.Snapshot());
    }

    [Theory]
    [InlineData("fabric", ByFabric)]
    [InlineData("fabric/lit_model.pth", ByFabric)]
    [InlineData("file/lit_model.pth", ByTorch)]
    public void Verify_refuses_it_too(string path, string command)
    {
        var run = Tool.Run("verify", folder.At(path), folder.At(path));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(command, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fabric", ByFabric, "generate", "--tokens", "1")]
    [InlineData("fabric", ByFabric, "bench")]
    [InlineData("torch", ByTorch, "generate", "--tokens", "1")]
    public void What_computes_says_what_joins_it(string path, string joining, string command, params string[] options)
    {
        var run = Tool.Run([command, folder.At(path), .. options]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(joining, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_tree_it_is_one_refusal_beside_the_others_upgrade()
    {
        using var fixtures = new FixtureSet();
        var sound = folder.Take(fixtures["mha-float32"].Folder);

        var run = Tool.Run("upgrade", folder.Path, "-o", folder.At("..", $"{Path.GetFileName(folder.Path)}-new"), "--json");
        try
        {
            Assert.Equal(1, run.ExitCode);
            var checkpoints = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().ToList();
            string[] refused = ["fabric/lit_model.pth", "torch/step-7", "deepspeed/global_step7", "file/lit_model.pth"];
            Assert.Equal(refused.Select(name => folder.At(name)).Order(), checkpoints.Where(checkpoint => checkpoint.Text("status") == "refused").Select(checkpoint => checkpoint.Text("path")!).Order());
            Assert.Contains(checkpoints, checkpoint => checkpoint.Text("status") == "upgraded" && checkpoint.Text("path")!.StartsWith(sound, StringComparison.Ordinal));
            Assert.Equal(5, checkpoints.Count);
        }
        finally
        {
            Directory.Delete(folder.At("..", $"{Path.GetFileName(folder.Path)}-new"), recursive: true);
        }
    }

    [Fact]
    public void What_is_excluded_is_left_alone()
    {
        var run = Tool.Run("upgrade", folder.Path, "--check", "--json", "--exclude", "lit_model.pth", "--exclude", "global_step*");

        Assert.Equal(folder.At("torch", "step-7"), JsonReport.OnlyCheckpoint(run).Text("path"));
    }
}
