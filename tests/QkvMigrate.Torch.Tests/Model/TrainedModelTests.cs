using System.Text;
using System.Text.Json;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>Two small models that were trained with LitGPT's own legacy code say what they said there, before their upgrade and behind it.</summary>
public sealed class TrainedModelTests
{
    [Theory]
    [InlineData("tiny-licenses-gqa")]
    [InlineData("tiny-licenses-mha")]
    public void The_legacy_file_says_its_sample(string name) => LiveTensors.AreGoneAfter(() => AssertSample(name, Repository.At("samples", name)));

    [Theory]
    [InlineData("tiny-licenses-gqa")]
    [InlineData("tiny-licenses-mha")]
    public void The_upgraded_file_says_its_sample(string name) => LiveTensors.AreGoneAfter(() =>
    {
        using var upgraded = new UpgradedCheckpoint(Repository.At("samples", name));
        AssertSample(name, upgraded.Path);
    });

    private static void AssertSample(string name, string path)
    {
        using var sample = JsonDocument.Parse(File.ReadAllText(Repository.At("samples", name, "sample.json")));
        var location = CheckpointLocation.Find(path);
        using var model = CheckpointModel.Load(location.File, location.Configuration, ModelPrecision.Full, ComputeDevice.Cpu);
        var texts = sample.RootElement.GetProperty("greedy").EnumerateArray().ToList();
        Assert.Equal(3, texts.Count);
        foreach (var text in texts)
        {
            var prompt = Encoding.ASCII.GetBytes(text.GetProperty("prompt").GetString()!).Select(value => (int)value).ToArray();
            var tokens = text.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()).ToList();
            var result = TokenGenerator.Run(model, prompt, new GenerationOptions { MaxNewTokens = tokens.Count - prompt.Length }, CancellationToken.None);
            Assert.Equal(tokens, result.Tokens);
            Assert.Equal(text.GetProperty("text").GetString(), Encoding.ASCII.GetString([.. result.Tokens.Select(token => (byte)token)]));
        }
    }
}
