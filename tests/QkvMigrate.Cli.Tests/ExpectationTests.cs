using System.Text.Json;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The judge is judged: wrong upgrades, made in Python, must not pass as right ones.</summary>
public sealed class ExpectationTests
{
    [Fact]
    public void Every_wrong_upgrade_is_caught()
    {
        var tried = PyTorch.Run("test_expectation.py");
        Assert.True(tried.Output.Length > 0, tried.Error);
        using var verdict = JsonDocument.Parse(tried.Output);
        Assert.Empty(verdict.RootElement.GetProperty("right").EnumerateArray());
        Assert.Empty(verdict.RootElement.GetProperty("passed").EnumerateArray());
        Assert.True(verdict.RootElement.GetProperty("caught").GetInt32() >= 20);
    }

    [Fact]
    public void Right_and_wrong_LoRA_upgrades_are_told_apart() => AssertNothingIsMisjudged("test_lora_delta.py");

    [Fact]
    public void Right_and_wrong_merges_are_told_apart() => AssertNothingIsMisjudged("test_merged_lora.py");

    private static void AssertNothingIsMisjudged(string script)
    {
        var tried = PyTorch.Run(script);
        Assert.True(tried.ExitCode == 0 && tried.Output.Trim() == "[]", tried.Output + tried.Error);
    }
}
