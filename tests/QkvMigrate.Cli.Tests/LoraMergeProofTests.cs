using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Models that PyTorch merged (<c>tests/fixtures/torch_merges.py</c>): right ones are proven, and in each wrong one the report names what is wrong.</summary>
public sealed class LoraMergeProofTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("since-900")]
    [InlineData("pre-900", "--lora-era", "pre-900")]
    public void What_PyTorch_merged_is_proven_and_nothing_else(string era, params string[] options)
    {
        var made = PyTorch.Run("torch_merges.py", _folder.Path, era);
        Assert.True(made.ExitCode == 0, made.Error);

        var right = Verify("loras", "right", options);
        Assert.Equal(84, right.Count);
        Assert.All(right, checkpoint => Assert.Equal(("verified", 9), (checkpoint.Value.Text("status"), checkpoint.Value.GetProperty("coverage").GetProperty("mergedWeights").GetInt32())), throwIfEmpty: true);

        var wrong = Verify("wrong-loras", "wrong", options);
        using var file = JsonDocument.Parse(File.ReadAllText(_folder.At("wrong.json")));
        var expected = file.RootElement.EnumerateArray().ToDictionary(item => item.Text("name")!, item => item.Text("named")!);
        Assert.True(expected.Count > 150, $"{expected.Count} wrong models");
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), wrong.Keys.Order(StringComparer.Ordinal));
        Assert.All(
            wrong,
            checkpoint =>
            {
                Assert.Equal("differs", checkpoint.Value.Text("status"));
                var places = checkpoint.Value.GetProperty("differences").EnumerateArray().Select(difference => difference.Text("place")!.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal));
                Assert.Contains($"tensor '{expected[checkpoint.Key]}'", places);
            },
            throwIfEmpty: true);
    }

    /// <summary>The checkpoints of a report by the directory that they stand in.</summary>
    private Dictionary<string, JsonElement> Verify(string loras, string merged, string[] options)
    {
        var run = Tool.Run(["verify", _folder.At(loras), _folder.At(merged), "--lora", "merge", "--json", .. options]);
        using var document = JsonDocument.Parse(run.Output);
        return document.RootElement.GetProperty("checkpoints").Clone().EnumerateArray()
            .ToDictionary(checkpoint => Path.GetFileName(Path.GetDirectoryName(checkpoint.Text("path")))!);
    }
}
