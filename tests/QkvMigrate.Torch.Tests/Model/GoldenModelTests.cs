using QkvMigrate.Layouts;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>The model here against LitGPT's own: what a random checkpoint says before its upgrade and behind it.</summary>
public sealed class GoldenModelTests
{
    private const double Tolerance = 1e-4;

    public static TheoryData<string, bool, string> Models
    {
        get
        {
            var data = new TheoryData<string, bool, string>();
            foreach (var name in GoldenLogits.Names)
            {
                data.Add(name, true, "cpu");
                data.Add(name, false, "cpu");
                data.Add(name, true, "cuda");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_legacy_file_says_the_same_in_the_legacy_model(string name, bool useCache, string device) => LiveTensors.AreGoneAfter(() =>
        AssertGolden(name, GoldenLogits.Path(name), LayoutFamilies.Interleaved, useCache, device));

    [Theory]
    [MemberData(nameof(Models))]
    public void The_upgraded_file_says_the_same_in_the_new_model(string name, bool useCache, string device) => LiveTensors.AreGoneAfter(() =>
    {
        using var upgraded = new UpgradedCheckpoint(GoldenLogits.Path(name));
        AssertGolden(name, upgraded.Path, LayoutFamilies.Sequential, useCache, device);
    });

    [Fact]
    public void Six_architectures_are_there() =>
        Assert.Equal(["falcon-mqa", "gemma-headsize", "gemma2-softcap", "llama-gqa", "mixtral-moe", "pythia-mha"], GoldenLogits.Names);

    private static void AssertGolden(string name, string path, LayoutFamily layout, bool useCache, string device)
    {
        var golden = GoldenLogits.Read(name);
        var location = CheckpointLocation.Find(path);
        using var model = CheckpointModel.Load(location.File, location.Configuration, ModelPrecision.Full, CudaTest.Device(device));
        Assert.Equal(layout, model.Layout);

        var options = new GenerationOptions { MaxNewTokens = golden.Greedy.Length, UseCache = useCache, WithPromptLogits = true };
        var result = TokenGenerator.Run(model, golden.Tokens, options, CancellationToken.None);
        Assert.Equal(golden.Tokens.Length, golden.Logits.Length);
        Assert.Equal(golden.Logits.Length, result.PromptLogits.Count);
        foreach (var (expected, actual) in golden.Logits.Zip(result.PromptLogits))
        {
            Assert.NotEmpty(expected);
            Assert.Equal(expected, actual, (one, other) => Math.Abs(one - other) <= Tolerance);
        }

        Assert.Equal([.. golden.Tokens, .. golden.Greedy], result.Tokens);
    }
}
