using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>The table of LitGPT's models is data; what it says is spot-checked and consistent in itself.</summary>
public sealed class KnownModelsTests
{
    [Theory]
    [InlineData("pythia-1b", 8, 8, 256)]
    [InlineData("pythia-70m-deduped", 8, 8, 64)]
    [InlineData("Llama-2-70b-chat-hf", 64, 8, 128)]
    [InlineData("falcon-7b", 71, 1, 64)]
    [InlineData("falcon-40b-instruct", 128, 8, 64)]
    [InlineData("Gemma-7b", 16, 16, 256)]
    [InlineData("Gemma-2-9b-it", 16, 8, 256)]
    [InlineData("Mistral-7B-Instruct-v0.1", 32, 8, 128)]
    [InlineData("tiny-llama-1.1b", 32, 4, 64)]
    [InlineData("vicuna-33b-v1.3", 52, 52, 128)]
    [InlineData("RedPajama-INCITE-Chat-3B-v1", 32, 32, 80)]
    [InlineData("phi-2", 32, 32, 80)]
    [InlineData("TinyLlama-1.1B-Chat-v1.0", 32, 4, 64)]
    [InlineData("meta-llama/Meta-Llama-3.1-8B-Instruct", 32, 8, 128)]
    public void GivesTheGeometryOfAName(string name, int heads, int groups, int size)
    {
        var geometry = KnownModels.Find(name)!.ToGeometry();
        Assert.Equal((heads, groups, size), (geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize));
    }

    [Theory]
    [InlineData("")]
    [InlineData("pythia-1B")]
    [InlineData("pythia")]
    [InlineData("checkpoints")]
    public void KnowsNoOtherName(string name) => Assert.Null(KnownModels.Find(name));

    [Fact]
    public void EveryRowIsAGeometry() =>
        Assert.All(KnownModels.Names, name => Assert.Null(KnownModels.Find(name)!.ToGeometry().Problem()));
}
