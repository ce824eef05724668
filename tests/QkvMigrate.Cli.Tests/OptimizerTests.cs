using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Training goes on after an upgrade as if there had been none.</summary>
public sealed class OptimizerTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheNextStepIsTheLegacyRunsBitForBit()
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
}
