using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// <c>--lora merge</c>: the upgraded base plus the delta that the LoRA had under the rules of its time, and nothing else
/// changed; judged by PyTorch in float64.
/// </summary>
public sealed class LoraMergeTests(MergeCases cases) : IClassFixture<MergeCases>, IDisposable
{
    private const string Model = "lit_model.pth";
    private const string Lora = "lit_model.pth.lora";

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_choice_of_each_era_is_added_right()
    {
        Merge(cases.Tree("since-900"), "since-900");
        Merge(cases.Tree("pre-900"), "pre-900", "--lora-era", "pre-900");
        Merge(cases.Tree("whole"), "whole");
        var merged = cases.All.Select(one => one with { Merged = _folder.At(Path.GetFileName(Path.GetDirectoryName(one.Adapter))!, one.Name, Model) }).ToList();
        Assert.Equal(103, merged.Count);

        var verdicts = Expectation.Compare("merged_lora.py", merged);

        Assert.Equal(merged.Select(one => one.Name).Order(), verdicts.Keys.Order());
        Assert.All(verdicts, verdict => Assert.True(verdict.Value.Count == 0, $"{verdict.Key}: {string.Join("; ", verdict.Value)}"), throwIfEmpty: true);
    }

    [Fact]
    public void A_directory_becomes_that_of_a_merged_model()
    {
        var adapter = _folder.Take(cases["gqa-qv-float16"].Adapter);

        var run = Tool.Run("upgrade", adapter, "--lora", "merge");

        Assert.True(run.ExitCode == 0, run.Error);
        var output = adapter + "-merged";
        Assert.Equal(["hyperparameters.yaml", Model, "model_config.yaml"], Directory.EnumerateFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllBytes(Path.Combine(adapter, "hyperparameters.yaml")), File.ReadAllBytes(Path.Combine(output, "hyperparameters.yaml")));
        Assert.Contains("[lora-merged]", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, Tool.Run("verify", adapter, output, "--lora", "merge").ExitCode);
    }

    [Fact]
    public void A_file_is_merged_by_flags_alone()
    {
        var one = cases["gqa-qkv-since-900"];
        var lora = _folder.At(Lora);
        File.Copy(Path.Combine(one.Adapter, Lora), lora);

        var run = Tool.Run("upgrade", lora, "--lora", "merge", "--lora-base", Path.GetDirectoryName(one.Base)!, "--lora-alpha", "16", "--lora-r", "4", "--device", "cpu");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(Expectation.Compare("merged_lora.py", [one with { Merged = _folder.At("lit_model-merged.pth") }])[one.Name]);
    }

    [Fact]
    public void A_dry_run_tells_what_would_be_merged_and_writes_nothing()
    {
        var one = cases["gqa-qv-since-900-on-upgraded"];
        var adapter = _folder.Take(one.Adapter);
        var before = _folder.Snapshot();

        var run = Tool.Run("upgrade", Path.Combine(adapter, Lora), "--lora", "merge", "--dry-run", "--json");

        var checkpoint = JsonReport.OnlyCheckpoint(run);
        Assert.Equal("planned", checkpoint.Text("status"));
        Assert.Equal("sequential", checkpoint.Text("layout"));
        Assert.Equal(Path.Combine(adapter, "lit_model-merged.pth"), checkpoint.Text("output"));
        var advice = checkpoint.GetProperty("advice").EnumerateArray().Single(advice => advice.Text("code") == "lora-merged");
        Assert.Equal($"the LoRA of {Path.Combine(adapter, Lora)} (lora_r 4, lora_alpha 16) is added to 9 weights of {one.Base}", advice.Text("message"));
        Assert.Equal(9, checkpoint.GetProperty("plan").GetProperty("moves").GetArrayLength());
        Assert.Equal(before, _folder.Snapshot());
    }

    [Fact]
    public void What_is_merged_already_is_said_to_be()
    {
        var adapter = _folder.Take(cases["gqa-qv-since-900"].Adapter);
        File.Copy(cases["gqa-qv-since-900"].Base, Path.Combine(adapter, Model));

        AssertRefused(
            $"{Path.Combine(adapter, Model)}: there is no LoRA in it to merge: LitGPT's fine-tuning leaves the merged model beside {Lora}, so upgrading this file without --lora merge is enough",
            adapter);
    }

    [Fact]
    public void The_model_beside_the_LoRA_is_not_its_base()
    {
        var adapter = _folder.Take(cases["gqa-qv-since-900"].Adapter);
        var model = Path.Combine(adapter, Model);
        File.Copy(cases["gqa-qv-since-900"].Base, model);

        AssertRefused(
            $"{model}: lit_model.pth beside a LoRA is the merged model, which LitGPT's fine-tuning leaves there, and not its base; --lora-base PATH names the base",
            Path.Combine(adapter, Lora),
            "--lora-base",
            adapter);
    }

    [Fact]
    public void The_base_is_not_replaced()
    {
        var model = _folder.At("base.pth");
        File.Copy(cases["gqa-qv-since-900"].Base, model);

        AssertRefused($"{model}: the output is the base of the LoRA", Path.Combine(cases["gqa-qv-since-900"].Adapter, Lora), "--lora-base", model, "-o", model, "--force");
    }

    [Fact]
    public void Two_LoRAs_in_one_directory_are_not_merged_to_one_model()
    {
        var adapter = _folder.Take(cases["gqa-qv-since-900"].Adapter);
        File.Copy(Path.Combine(adapter, Lora), Path.Combine(adapter, "other.pth.lora"));

        AssertRefused($"{adapter}: {Lora} and other.pth.lora would all be merged to {Model}; name one of them", adapter);
    }

    [Theory]
    [InlineData("--lora-alpha and --lora-r go with --lora merge", "--lora", "expand", "--lora-base", "base")]
    [InlineData("a LoRA is merged by an upgrade, into a new file", "--lora", "merge", "--in-place")]
    [InlineData("--lora-alpha 'NaN': expected a finite number", "--lora", "merge", "--lora-alpha", "NaN")]
    public void Options_that_make_no_sense_are_bad_usage(string message, params string[] options)
    {
        var run = Tool.Run(["upgrade", "lit_model.pth.lora", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_downgrade_merges_nothing() => Assert.Equal(2, Tool.Run("downgrade", "lit_model.pth.lora", "--lora", "merge").ExitCode);

    private void Merge(string tree, string output, params string[] options)
    {
        var run = Tool.Run(["upgrade", tree, "-o", _folder.At(output), "--lora", "merge", "--verify", "full", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        var verified = Tool.Run(["verify", tree, _folder.At(output), "--lora", "merge", .. options]);
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
    }

    private void AssertRefused(string message, params string[] arguments)
    {
        var before = _folder.Snapshot();
        var run = Tool.Run(["upgrade", .. arguments, "--lora", "merge"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"qkvmigrate: error: {message}", Assert.Single(run.ErrorLines));
        Assert.Equal(before, _folder.Snapshot());
    }
}
