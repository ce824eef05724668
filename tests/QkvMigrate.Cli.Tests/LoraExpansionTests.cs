using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// <c>--lora expand</c>: under the rules of new LitGPT the expanded adapter adds to the fused matrix what the legacy one
/// added under the rules of its time, permuted; exactly, since the fixtures' integers have exact sums.
/// </summary>
public sealed class LoraExpansionTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void All_sections_enabled() => Expand(["lora-qkv-gqa", "lora-qkv-four-groups", "lora-qkv-mha"]);

    [Fact]
    public void Each_choice_of_the_early_era() =>
        Expand(["lora-q", "lora-k", "lora-v", "lora-qk", "lora-qv", "lora-kv", "lora-qv-mha"], "--lora-era", "pre-900");

    private void Expand(IReadOnlyList<string> names, params string[] era)
    {
        var upgraded = names.ToDictionary(name => name, name => _folder.At(name + "-qkv"));
        foreach (var name in names)
        {
            var run = Tool.Run(["upgrade", _folder.Take(fixtures[name].Folder), "--lora", "expand", .. era]);
            Assert.True(run.ExitCode == 0, run.Error);
            var verify = Tool.Run("verify", fixtures[name].Folder, upgraded[name]);
            Assert.True(verify.ExitCode == 0, verify.Output + verify.Error);
        }

        var pairs = names.Select(name => new LoraPair(name, fixtures[name].Folder, upgraded[name], fixtures[name].Geometry, era.Length > 0));
        var verdicts = Expectation.Compare("lora_delta.py", [.. pairs]);
        Assert.Equal(names.Order(), verdicts.Keys.Order());
        Assert.All(verdicts.Values, Assert.Empty, throwIfEmpty: true);
    }

    private sealed record LoraPair(string Name, string Original, string Upgraded, JsonElement Geometry, bool Pre900);
}
