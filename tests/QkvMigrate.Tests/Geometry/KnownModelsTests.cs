using System.Globalization;
using QkvMigrate.Configuration;
using QkvMigrate.Geometry;
using Xunit;

namespace QkvMigrate.Tests.Geometry;

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
    [InlineData("Llama-2-70b-hf", 64, 8, 128)]
    [InlineData("Llama-3.1-405B", 128, 16, 128)]
    [InlineData("Platypus2-70B", 64, 64, 128)]
    [InlineData("Platypus2-70B-instruct", 64, 8, 128)]
    [InlineData("Danube2-1.8b-chat", 32, 8, 80)]
    [InlineData("OpenCoder-1.5B-Base", 14, 14, 160)]
    [InlineData("falcon-180B", 232, 8, 64)]
    [InlineData("Gemma-2b", 8, 1, 256)]
    [InlineData("google/gemma-7b", 16, 16, 256)]
    [InlineData("TinyLlama-1.1B-Chat-v1.0", 32, 4, 64)]
    [InlineData("meta-llama/Meta-Llama-3.1-8B-Instruct", 32, 8, 128)]
    public void Gives_the_geometry_of_a_name(string name, int heads, int groups, int size)
    {
        var geometry = KnownModels.Find(name)!.ToGeometry();
        Assert.Equal((heads, groups, size), (geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize));
    }

    [Theory]
    [InlineData("")]
    [InlineData("pythia-1B")]
    [InlineData("pythia")]
    [InlineData("checkpoints")]
    public void Knows_no_other_name(string name) => Assert.Null(KnownModels.Find(name));

    [Fact]
    public void Every_name_is_a_geometry() =>
        Assert.All(KnownModels.Names, name => Assert.Null(KnownModels.Find(name)!.ToGeometry().Problem()), throwIfEmpty: true);

    [Fact]
    public void Every_row_is_whole_and_the_only_one_of_its_name()
    {
        var rows = Rows().ToList();
        Assert.InRange(rows.Count, 200, int.MaxValue);
        Assert.Equal(rows.Count, rows.Select(row => row[0]).Distinct().Count());
        Assert.All(rows, row =>
        {
            Assert.Equal(8, row.Length);
            Assert.All(row[..3], Assert.NotEmpty, throwIfEmpty: true);
            Assert.All(row[3..], cell => Assert.InRange(int.Parse(cell, CultureInfo.InvariantCulture), 1, 65_536), throwIfEmpty: true);
        }, throwIfEmpty: true);
    }

    [Fact]
    public void A_LitGPT_name_is_its_own_row() =>
        Assert.All(
            Rows(),
            row => Assert.Equal(
                new ConfigurationNumbers($"the model name {row[0]}", Number(row[3]), Number(row[4]), Number(row[5]), Number(row[6])),
                KnownModels.Find(row[0])),
            throwIfEmpty: true);

    /// <summary>Only these families have heads of a size of their own; elsewhere a different product is a slip of the pen.</summary>
    [Fact]
    public void Heads_times_their_size_is_the_embedding_elsewhere() =>
        Assert.All(
            Rows().Where(row => Number(row[3]) * Number(row[5]) != Number(row[6])),
            row => Assert.Matches("^(Gemma-7b|CodeGemma-7b|Gemma-2-|Gemma-3-|Mistral-Small-24B|Qwen3-)", row[0]),
            throwIfEmpty: true);

    private static IEnumerable<string[]> Rows()
    {
        using var stream = typeof(KnownModels).Assembly.GetManifestResourceStream("QkvMigrate.Configuration.known-models.csv")!;
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(','))];
    }

    private static int Number(string cell) => int.Parse(cell, CultureInfo.InvariantCulture);
}
