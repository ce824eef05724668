using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Training goes on after an upgrade as if there had been none.</summary>
public sealed class OptimizerTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_next_step_is_the_legacy_runs_bit_for_bit()
    {
        var legacy = _folder.At("run");
        var made = PyTorch.Run("training_step.py", "make", legacy);
        Assert.True(made.ExitCode == 0, made.Error);
        var upgrade = Tool.Run("upgrade", legacy);
        Assert.True(upgrade.ExitCode == 0, upgrade.Error);

        var resumed = PyTorch.Run("training_step.py", "check", legacy, _folder.At("run-qkv", "lit_model.pth"));

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Empty(JsonSerializer.Deserialize<string[]>(resumed.Output)!);
    }

    [Theory]
    [InlineData("optimizer-by-wrapped-name", true)]
    [InlineData("optimizer-before-its-first-step", false)]
    public void Advice_tells_of_moments_where_they_move(string name, bool move)
    {
        var run = Tool.Run("upgrade", fixtures[name].Folder, "-o", _folder.At("upgraded"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var report = JsonDocument.Parse(run.Output);
        var codes = report.RootElement.GetProperty("checkpoints")[0].GetProperty("advice").EnumerateArray().Select(advice => advice.GetProperty("code").GetString()).ToList();
        Assert.Equal(move, codes.Contains("optimizer-moments-permuted"));
        Assert.Equal(move, codes.Contains("optimizer-state-would-not-match"));
    }

    [Theory]
    [InlineData("optimizer-of-fewer-parameters")]
    [InlineData("optimizer-in-another-order")]
    public void Without_its_optimizer_a_refused_state_is_upgraded(string name)
    {
        var copy = _folder.Take(fixtures[name].Folder);
        var run = Tool.Run("upgrade", copy, "--drop-optimizer");
        Assert.True(run.ExitCode == 0, run.Error);
        var verdict = PyTorch.Run("without_optimizer.py", Path.Combine(copy, "lit_model.pth"), Path.Combine(copy + "-qkv", "lit_model.pth"));
        Assert.True(verdict.ExitCode == 0, verdict.Error);
        Assert.Empty(JsonSerializer.Deserialize<string[]>(verdict.Output)!);

        // The verifier takes such a file for neither right nor wrong, where it is not told; told so, it proves it.
        var untold = Tool.Run("verify", copy, copy + "-qkv");
        Assert.Equal((1, ""), (untold.ExitCode, untold.Output));
        Assert.EndsWith("the second file is without it, as --drop-optimizer leaves it; verify it with that option, too", Assert.Single(untold.ErrorLines), StringComparison.Ordinal);
        var told = Tool.Run("verify", copy, copy + "-qkv", "--drop-optimizer");
        Assert.True(told.ExitCode == 0, told.Error + told.Output);
    }
}
