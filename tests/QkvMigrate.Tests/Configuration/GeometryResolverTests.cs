using QkvMigrate.Attention;
using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>Where a geometry comes from, in which order, and what is refused.</summary>
public sealed class GeometryResolverTests : IDisposable
{
    private const string Remedy = "the shapes say n_head·head_size = 128 and n_query_groups·head_size = 32: --n-head, --n-query-groups and --head-size, --config FILE or --model NAME settle it";

    private static readonly AttentionGeometry Right = new(8, 2, 16);
    private static readonly IReadOnlyList<AttentionShape> Shapes = [new AttentionShape("w", 192, 128)];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-geometry-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n")]
    [InlineData("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: null\nn_embd: 128\n")]
    [InlineData("lit_config.json", """{"n_head": 8, "n_query_groups": 2, "n_embd": 128}""")]
    [InlineData("config.json", """{"num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 128}""")]
    [InlineData("config.json", """{"text_config": {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 16, "hidden_size": 999}}""")]
    public void AFileBesideTheCheckpointGivesIt(string name, string text)
    {
        Write(name, text);
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal((Right, name), (resolved.Geometry, resolved.Source));
        Assert.Empty(resolved.Warnings);
    }

    [Fact]
    public void FalconsFlagMeansOneGroup()
    {
        Write("config.json", """{"n_head": 8, "hidden_size": 128, "multi_query": true}""");
        Assert.Equal(new AttentionGeometry(8, 1, 16), GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, [new AttentionShape("w", 160, 128)]).Geometry);
    }

    [Fact]
    public void TheBestFileIsTakenAndADifferingOneIsTold()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n");
        Write("config.json", """{"num_attention_heads": 4, "hidden_size": 128}""");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal("model_config.yaml", resolved.Source);
        Assert.Equal(["config.json says n_head=4 n_query_groups=4 head_size=32, which is not n_head=8 n_query_groups=2 head_size=16 from model_config.yaml; the latter was used"], resolved.Warnings);
    }

    [Fact]
    public void AllFlagsTogetherGoBeforeAFile()
    {
        Write("model_config.yaml", "n_head: 4\nn_embd: 128\n");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(8, 2, 16), folder.FullName, Shapes);
        Assert.Equal((Right, "--n-head, --n-query-groups and --head-size"), (resolved.Geometry, resolved.Source));
        Assert.Single(resolved.Warnings);
    }

    [Theory]
    [InlineData(8, null, null)]
    [InlineData(null, 2, null)]
    [InlineData(null, null, 16)]
    [InlineData(8, 2, null)]
    public void AnyFlagCompletesTheShapes(int? heads, int? groups, int? size) =>
        Assert.Equal(Right, GeometryResolver.Resolve(new GeometryFlags(heads, groups, size), folder.FullName, Shapes).Geometry);

    [Fact]
    public void AModelsNameOrTheDirectorysGivesIt()
    {
        IReadOnlyList<AttentionShape> shapes = [new AttentionShape("w", 1536, 512)];
        Assert.Equal(new AttentionGeometry(8, 8, 64), GeometryResolver.Resolve(new GeometryFlags(Model: "pythia-70m"), folder.FullName, shapes).Geometry);
        foreach (var name in new[] { "pythia-70m", "pythia-70m-qkv" })
        {
            var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.CreateSubdirectory(name).FullName, shapes);
            Assert.Equal("the directory's name (the model name pythia-70m)", resolved.Source);
        }
    }

    [Fact]
    public void WithoutASourceItIsRefused() =>
        Refused($"no model_config.yaml, lit_config.json, config.json beside the file, and its directory bears no name of a LitGPT model, so where q, k and v stand is not known; {Remedy}", new GeometryFlags());

    [Fact]
    public void WrongRowsAreRefused()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 4\nhead_size: 16\n");
        Refused($"tensor 'w': it has 192 rows, but n_head=8 n_query_groups=4 head_size=16 from model_config.yaml takes 256; {Remedy}", new GeometryFlags());
    }

    [Fact]
    public void WrongColumnsOfTheProjectionAreRefused() =>
        Refused(
            $"tensor 'w': attn.proj.weight has 128 columns, but n_head=4 n_query_groups=4 head_size=16 from --n-head, --n-query-groups and --head-size takes 64; {Remedy}",
            new GeometryFlags(4, 4, 16));

    [Fact]
    public void AFlagThatContradictsAFileIsRefused()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n");
        Refused("--n-query-groups 4 contradicts model_config.yaml, which says 2; give --n-head, --n-query-groups and --head-size together to overrule it", new GeometryFlags(QueryGroupCount: 4));
    }

    [Theory]
    [InlineData("n_head: abc\n", "field n_head: 'abc' is no whole number")]
    [InlineData("n_head: 1e300\n", "field n_head: '1e300' is no whole number")]
    [InlineData("n_head: 99999999999\n", "field n_head: '99999999999' is no whole number")]
    public void ASizeThatIsNoNumberIsRefused(string text, string problem)
    {
        Write("model_config.yaml", text);
        Refused($"{Path.Combine(folder.FullName, "model_config.yaml")}: {problem}", new GeometryFlags());
    }

    [Theory]
    [InlineData("n_head: -8\nhead_size: 16\n", "n_head is -8, expected a number from 1 to 1048576 (from model_config.yaml)")]
    [InlineData("n_head: 8\nn_embd: 100\n", "n_embd 100 is not a multiple of n_head 8, and head_size is not given (from model_config.yaml)")]
    [InlineData("n_head: 8\n", "model_config.yaml does not give head_size (or n_embd); --n-head, --n-query-groups and --head-size settle it")]
    [InlineData("n_head: 8\nn_query_groups: 3\nhead_size: 16\n", "n_head 8 is not a multiple of n_query_groups 3 (from model_config.yaml)")]
    public void NumbersThatCannotBeAGeometryAreRefused(string text, string problem)
    {
        Write("model_config.yaml", text);
        Refused(problem, new GeometryFlags());
    }

    private void Refused(string message, GeometryFlags flags) =>
        Assert.Equal(message, Assert.Throws<MigrationException>(() => GeometryResolver.Resolve(flags, folder.FullName, Shapes)).Message);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.FullName, name), text);
}
