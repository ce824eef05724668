using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>generate</c>, before an upgrade and behind it.</summary>
public sealed class GenerateTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny-licenses-gqa", "The licensee may be any other patent license and to the library and distribute the program or a copy\n")]
    [InlineData("tiny-licenses-mha", "The licensee may a copy of the Library of the Library of the Library of the Library of the Library o\n")]
    public void A_trained_model_says_the_same_before_and_behind_its_upgrade(string name, string expected)
    {
        var legacy = Repository.At("samples", name);
        Assert.Equal(0, Tool.Run("upgrade", legacy, "-o", _folder.At("upgraded")).ExitCode);
        foreach (var path in new[] { legacy, _folder.At("upgraded"), _folder.At("upgraded", "lit_model.pth") })
        {
            var run = Tool.Run("generate", path, "--prompt", "The licensee may ", "--max-new-tokens", "83");
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(expected, run.Output);
            Assert.Empty(run.Error);
        }
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("mixtral-moe")]
    public void JSON_has_tokens_and_the_logits_of_the_prompt(string name)
    {
        var directory = Repository.At("tests", "golden", name);
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "golden.json")));
        var prompt = Numbers<int>(golden.RootElement.GetProperty("tokens"));
        var greedy = Numbers<int>(golden.RootElement.GetProperty("greedy"));

        var run = Tool.Run("generate", directory, "--tokens", string.Join(',', prompt), "--max-new-tokens", $"{greedy.Length}", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        Assert.Equal(1, document.RootElement.GetProperty("schemaVersion").GetInt32());
        Assert.Equal("interleaved", document.RootElement.GetProperty("layout").GetString());
        Assert.Equal([.. prompt, .. greedy], Numbers<int>(document.RootElement.GetProperty("tokens")));
        var logits = document.RootElement.GetProperty("logits").EnumerateArray().Select(Numbers<double>).ToList();
        var expected = golden.RootElement.GetProperty("logits").EnumerateArray().Select(Numbers<double>).ToList();
        Assert.Equal(prompt.Length, expected.Count);
        Assert.Equal(expected.Select(row => row.Length), logits.Select(row => row.Length));
        Assert.Equal(expected.SelectMany(row => row), logits.SelectMany(row => row), (one, other) => Math.Abs(one - other) <= 1e-4);
        Assert.False(document.RootElement.TryGetProperty("text", out _));
    }

    [Fact]
    public void Logits_follow_the_tokens()
    {
        var directory = Repository.At("tests", "golden", "llama-gqa");
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "golden.json")));
        var prompt = Numbers<int>(golden.RootElement.GetProperty("tokens"));
        var expected = golden.RootElement.GetProperty("logits").EnumerateArray().Select(Numbers<double>).ToList();

        var run = Tool.Run("generate", directory, "--tokens", string.Join(',', prompt), "--max-new-tokens", "1", "--logits");

        Assert.True(run.ExitCode == 0, run.Error);
        var lines = run.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(string.Join(',', [.. prompt, Numbers<int>(golden.RootElement.GetProperty("greedy"))[0]]), lines[0]);
        var logits = lines[1..].Select(line => line.Split(' ').Select(double.Parse).ToList()).ToList();
        Assert.Equal(expected.Select(row => row.Length), logits.Select(row => row.Count));
        Assert.Equal(expected.SelectMany(row => row), logits.SelectMany(row => row), (one, other) => Math.Abs(one - other) <= 1e-4);
    }

    [Fact]
    public void The_same_seed_draws_the_same_tokens_and_another_one_others()
    {
        string[] arguments = ["generate", Repository.At("tests", "golden", "llama-gqa"), "--tokens", "51", "--temperature", "1", "--top-k", "50", "--seed", "7"];
        var first = Tool.Run(arguments);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(first.Output, Tool.Run(arguments).Output);
        Assert.NotEqual(first.Output, Tool.Run([.. arguments[..^1], "8"]).Output);
    }

    [Theory]
    [InlineData("give --tokens or --prompt, and one of them only", "generate", "x")]
    [InlineData("give --tokens or --prompt, and one of them only", "generate", "x", "--tokens", "1", "--prompt", "a")]
    [InlineData("--tokens '1,b': expected token numbers with commas between them", "generate", "x", "--tokens", "1,b")]
    [InlineData("--max-new-tokens '-1': expected a whole number from 0 to 2147483647", "generate", "x", "--tokens", "1", "--max-new-tokens", "-1")]
    [InlineData("--temperature '-1': expected a number from 0 on", "generate", "x", "--tokens", "1", "--temperature", "-1")]
    [InlineData("--top-k '0': expected a whole number from 1 to 2147483647", "generate", "x", "--tokens", "1", "--top-k", "0")]
    [InlineData("--seed goes with --temperature or --top-k: without them nothing is drawn", "generate", "x", "--tokens", "1", "--seed", "1")]
    public void Bad_usage_is_told(string message, params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Equal([$"qkvmigrate: {message}; see 'qkvmigrate generate --help'"], run.ErrorLines);
        Assert.Empty(run.Output);
    }

    [Fact]
    public void A_checkpoint_that_is_not_there_fails()
    {
        var run = Tool.Run("generate", _folder.At("none"), "--tokens", "1");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"qkvmigrate: {_folder.At("none")}: no such file or directory", Assert.Single(run.ErrorLines));
    }

    private static T[] Numbers<T>(JsonElement array) => array.Deserialize<T[]>()!;
}
