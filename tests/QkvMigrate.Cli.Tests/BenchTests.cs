using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>bench</c>: that it measures both layouts; never how fast they are.</summary>
public sealed class BenchTests
{
    [Fact]
    public void JSON_has_both_layouts()
    {
        var run = Tool.Run("bench", "--model", "tiny-llama-1.1b", "--scale", "0.03", "--repetitions", "1", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        var root = document.RootElement;
        Assert.Equal((1, "tiny-llama-1.1b", 0.03), (root.GetProperty("schemaVersion").GetInt32(), root.GetProperty("model").GetString(), root.GetProperty("scale").GetDouble()));
        Assert.Equal((32, 4), (root.GetProperty("geometry").GetProperty("nHead").GetInt32(), root.GetProperty("geometry").GetProperty("nQueryGroups").GetInt32()));
        Assert.Equal("https://github.com/Lightning-AI/litgpt/pull/1013", root.GetProperty("pullRequest").GetString());

        var layouts = root.GetProperty("layouts").EnumerateArray().ToList();
        Assert.Equal(["interleaved", "sequential"], layouts.Select(layout => layout.GetProperty("layout").GetString()));
        Assert.All(layouts, layout => Assert.True(layout.GetProperty("trainingStepSeconds").GetDouble() > 0 && layout.GetProperty("tokensPerSecond").GetDouble() > 0), throwIfEmpty: true);
        Assert.Equal(8 * layouts[1].GetProperty("kvCacheBytes").GetInt64(), layouts[0].GetProperty("kvCacheBytes").GetInt64());
    }

    [Fact]
    public void The_table_is_of_the_checkpoints_shape()
    {
        var run = Tool.Run("bench", Repository.At("samples", "tiny-licenses-gqa"), "--repetitions", "1");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith("tiny-licenses-gqa at scale 1: 0.6 M parameters, n_head=8 n_query_groups=2 head_size=16, float32 on cpu\n", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"\nKV cache +524 kB +131 kB +0\.25\n", run.Output);
        Assert.Matches(@"\ntiny-llama-1\.1b, generation, 1950 new tokens +57\.80 tokens/s +59\.03 tokens/s +1\.02 +2\.57 GB +2\.28 GB +0\.89\n", run.Output);
    }

    [Theory]
    [InlineData("give PATH or --model, and one of them only", "bench")]
    [InlineData("give PATH or --model, and one of them only", "bench", "x", "--model", "pythia-1b")]
    [InlineData("--scale '0': expected a number greater than 0, up to 1", "bench", "x", "--scale", "0")]
    [InlineData("--scale '1.5': expected a number greater than 0, up to 1", "bench", "x", "--scale", "1.5")]
    [InlineData("--repetitions '0': expected a whole number from 1 to 2147483647", "bench", "x", "--repetitions", "0")]
    [InlineData("--model 'x': expected pythia-1b or tiny-llama-1.1b", "bench", "--model", "x")]
    public void Bad_usage_is_told(string message, params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Equal([$"qkvmigrate: {message}; see 'qkvmigrate bench --help'"], run.ErrorLines);
        Assert.Empty(run.Output);
    }
}
