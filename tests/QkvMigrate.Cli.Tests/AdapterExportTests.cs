using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>LitGPT's LoRA as PEFT's adapters: what they add to each matrix, computed in float64 by numpy from the files alone.</summary>
public sealed class AdapterExportTests : IDisposable
{
    /// <summary>Four geometries and seven choices of q, k and v, in each of three ages.</summary>
    private const int Cases = 4 * 7;

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Category", "Slow")]
    public void Each_choice_of_q_k_and_v_of_each_age_adds_to_each_matrix_what_LitGPT_added()
    {
        Make();
        foreach (var (age, options) in new (string, string[])[] { ("legacy", []), ("pre-900", ["--lora-era", "pre-900"]), ("upgraded", []) })
        {
            Run(["export", _folder.At("lora", age), "-o", _folder.At("peft", age), "--verify", "full", .. options]);
            var verified = Tool.Run("verify", _folder.At("lora", age), _folder.At("peft", age), "--json");
            Assert.Equal(0, verified.ExitCode);
            using var document = JsonDocument.Parse(verified.Output);
            Assert.Equal(Cases, document.RootElement.GetProperty("checkpoints").GetArrayLength());
        }

        var check = Python.Run(Path.Combine("fixtures", "peft_adapters.py"), ["check", _folder.At("lora"), _folder.At("peft")]);
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
        using var verdicts = JsonDocument.Parse(check.Output);
        Assert.Equal(3 * Cases, verdicts.RootElement.EnumerateObject().Count());
    }

    [Fact]
    public void A_rank_that_has_to_grow_is_told()
    {
        Make();
        var run = Tool.Run("export", _folder.At("lora", "legacy", "gqa-qkv"), "-o", _folder.At("peft"), "--json");
        Assert.Equal(0, run.ExitCode);
        using var document = JsonDocument.Parse(run.Output);
        var advice = document.RootElement.GetProperty("checkpoints")[0].GetProperty("advice").EnumerateArray().Select(one => one.GetProperty("code").GetString()).ToList();
        Assert.Equal(["adapter-base", "adapter-expanded"], advice);
    }

    [Fact]
    public void An_alpha_that_is_not_written_down_is_asked_for()
    {
        Make();
        var lora = _folder.At("lora", "legacy", "gqa-qv");
        File.Delete(Path.Combine(lora, "hyperparameters.yaml"));
        var refused = Tool.Run("export", lora, "-o", _folder.At("peft"));
        Assert.Equal(1, refused.ExitCode);

        // The shapes of q and k are those of q and v: without the file, which one it is cannot be told.
        Assert.Contains("hyperparameters.yaml", Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        var known = _folder.At("lora", "legacy", "gqa-q");
        File.Delete(Path.Combine(known, "hyperparameters.yaml"));
        Assert.Contains("lora_alpha is not known", Assert.Single(Tool.Run("export", known, "-o", _folder.At("peft")).ErrorLines), StringComparison.Ordinal);
        Run("export", known, "-o", _folder.At("peft"), "--lora-alpha", "16");
    }

    [Theory]
    [InlineData("name: pythia-mini\nbias: true\nnorm_class_name: LayerNorm\nmlp_class_name: GptNeoxMLP\nn_query_groups: 4\nn_head: 4\nhead_size: 6\nrotary_percentage: 0.25\nparallel_residual: true\n")]
    [InlineData("name: Phi-3-mini\nn_query_groups: 4\nn_head: 4\nhead_size: 6\n")]
    public void A_family_with_one_fused_matrix_is_refused_and_the_merge_named(string configuration)
    {
        Make();
        var lora = _folder.At("lora", "upgraded", "mha-qv");
        var names = configuration.Split('\n').Select(line => line.Split(':')[0]).ToHashSet();
        var kept = File.ReadLines(Path.Combine(lora, "model_config.yaml")).Where(line => !names.Contains(line.Split(':')[0])).ToList();
        File.WriteAllText(Path.Combine(lora, "model_config.yaml"), string.Concat(kept.Select(line => $"{line}\n")) + configuration);
        var run = Tool.Run("export", lora, "-o", _folder.At("peft"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--lora merge", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("peft")));
    }

    private void Make()
    {
        var made = Python.Run(Path.Combine("fixtures", "peft_adapters.py"), ["make", _folder.At("lora")]);
        Assert.True(made.ExitCode == 0, made.Error);
    }

    private static void Run(params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(run.ErrorLines);
    }
}
