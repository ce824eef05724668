using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A checkpoint of as many tensors as a file may have, far more than a model's: it is little else than its pickle and its directory.</summary>
public sealed class ManyTensorsTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_hundred_thousand_tensors_are_upgraded()
    {
        var (original, upgraded) = (_folder.At("many.pth"), _folder.At("upgraded.pth"));
        var made = PyTorch.Run("../benchmarks/make_checkpoint.py", "0", original, "--tensors", "100000");
        Assert.True(made.ExitCode == 0, made.Error);

        var run = Tool.Run("upgrade", original, "-o", upgraded, "--verify", "full", "--n-head", "8", "--n-query-groups", "8", "--head-size", "4");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("100000 of 100000 tensors changed", run.Output);
    }
}
