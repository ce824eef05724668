using QkvMigrate.Attention;
using QkvMigrate.Geometry;
using Xunit;

namespace QkvMigrate.Tests.Geometry;

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
    public void A_file_beside_the_checkpoint_gives_it(string name, string text)
    {
        Write(name, text);
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal((Right, name), (resolved.Geometry, resolved.Source));
        Assert.Empty(resolved.Warnings);
    }

    [Fact]
    public void Falcons_flag_means_one_group()
    {
        Write("config.json", """{"n_head": 8, "hidden_size": 128, "multi_query": true}""");
        Assert.Equal(new AttentionGeometry(8, 1, 16), GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, [new AttentionShape("w", 160, 128)]).Geometry);
    }

    [Fact]
    public void The_best_file_is_taken_and_a_differing_one_is_told()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n");
        Write("config.json", """{"num_attention_heads": 4, "hidden_size": 128}""");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal("model_config.yaml", resolved.Source);
        Assert.Equal(["config.json says n_head=4 n_query_groups=4 head_size=32, which is not n_head=8 n_query_groups=2 head_size=16 from model_config.yaml; the latter was used"], resolved.Warnings);
    }

    [Fact]
    public void All_flags_together_go_before_a_file()
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
    public void Any_flag_completes_the_shapes(int? heads, int? groups, int? size) =>
        Assert.Equal(Right, GeometryResolver.Resolve(new GeometryFlags(heads, groups, size), folder.FullName, Shapes).Geometry);

    [Fact]
    public void A_models_name_or_the_directorys_gives_it()
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
    public void Without_a_source_it_is_refused() =>
        Refused($"no model_config.yaml, lit_config.json, config.json beside the file, and its directory bears no name of a LitGPT model, so where q, k and v stand is not known; {Remedy}", new GeometryFlags());

    [Fact]
    public void Wrong_rows_are_refused()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 4\nhead_size: 16\n");
        Refused($"tensor 'w': it has 192 rows, but n_head=8 n_query_groups=4 head_size=16 from model_config.yaml takes 256; {Remedy}", new GeometryFlags());
    }

    [Fact]
    public void Wrong_columns_of_the_projection_are_refused() =>
        Refused(
            $"tensor 'w': attn.proj.weight has 128 columns, but n_head=4 n_query_groups=4 head_size=16 from --n-head, --n-query-groups and --head-size takes 64; {Remedy}",
            new GeometryFlags(4, 4, 16));

    [Fact]
    public void A_flag_that_contradicts_a_file_is_refused()
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n");
        Refused("--n-query-groups 4 contradicts model_config.yaml, which says 2; give --n-head, --n-query-groups and --head-size together to overrule it", new GeometryFlags(QueryGroupCount: 4));
    }

    [Theory]
    [InlineData("n_head: abc\n", "field n_head: 'abc' is no whole number")]
    [InlineData("n_head: 1e300\n", "field n_head: '1e300' is no whole number")]
    [InlineData("n_head: 99999999999\n", "field n_head: '99999999999' is no whole number")]
    public void A_size_that_is_no_number_is_refused(string text, string problem)
    {
        Write("model_config.yaml", text);
        Refused($"{Path.Combine(folder.FullName, "model_config.yaml")}: {problem}", new GeometryFlags());
    }

    [Theory]
    [InlineData("n_head: -8\nhead_size: 16\n", "n_head is -8, expected a number from 1 to 1048576 (from model_config.yaml)")]
    [InlineData("n_head: 8\nn_embd: 100\n", "n_embd 100 is not a multiple of n_head 8, and head_size is not given (from model_config.yaml)")]
    [InlineData("n_head: 8\n", "model_config.yaml does not give head_size (or n_embd); --n-head, --n-query-groups and --head-size settle it")]
    [InlineData("n_head: 8\nn_query_groups: 3\nhead_size: 16\n", "n_head 8 is not a multiple of n_query_groups 3 (from model_config.yaml)")]
    public void Numbers_that_cannot_be_a_geometry_are_refused(string text, string problem)
    {
        Write("model_config.yaml", text);
        Refused(problem, new GeometryFlags());
    }

    [Theory]
    [InlineData(7, null, "--n-head 7 does not divide n_head·head_size = 128")]
    [InlineData(-8, null, "--n-head -8 does not divide n_head·head_size = 128")]
    [InlineData(null, 3, "--n-query-groups 3 does not divide n_query_groups·head_size = 32")]
    public void A_flag_that_does_not_divide_the_shapes_is_refused(int? heads, int? groups, string problem) =>
        Refused($"tensor 'w': {problem}", new GeometryFlags(heads, groups));

    [Theory]
    [InlineData(24)]
    [InlineData(0)]
    public void A_head_size_that_does_not_divide_the_shapes_is_refused(int size) =>
        Refused($"tensor 'w': heads of {size} rows do not fit 192 rows and 128 columns of attn.proj", new GeometryFlags(HeadSize: size));

    [Fact]
    public void One_flag_does_not_settle_shapes_without_a_projection()
    {
        var error = Assert.Throws<MigrationException>(() => GeometryResolver.Resolve(new GeometryFlags(8), folder.FullName, [new AttentionShape("w", 192, null)]));
        Assert.Equal(
            "no model_config.yaml, lit_config.json, config.json beside the file, and its directory bears no name of a LitGPT model, so where q, k and v stand is not known; --n-head, --n-query-groups and --head-size, --config FILE or --model NAME settle it",
            error.Message);
    }

    [Fact]
    public void An_unknown_model_is_refused() => Refused("--model gpt-5: LitGPT has no model of this name", new GeometryFlags(Model: "gpt-5"));

    [Fact]
    public void A_file_that_a_flag_names_goes_before_the_one_beside_the_checkpoint()
    {
        Write("model_config.yaml", "n_head: 4\nn_embd: 128\n");
        Write("mine.json", """{"n_head": 8, "n_query_groups": 2, "n_embd": 128}""");
        var path = Path.Combine(folder.FullName, "mine.json");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(ConfigPath: path), folder.FullName, Shapes);
        Assert.Equal((Right, path), (resolved.Geometry, resolved.Source));
        Assert.Equal([$"model_config.yaml says n_head=4 n_query_groups=4 head_size=32, which is not {Right} from {path}; the latter was used"], resolved.Warnings);
    }

    [Fact]
    public void Flags_that_agree_with_a_file_are_told()
    {
        Write("lit_config.json", """{"n_head": 8, "n_query_groups": 2, "n_embd": 128}""");
        Assert.Equal("lit_config.json, which the flags agree with", GeometryResolver.Resolve(new GeometryFlags(HeadSize: 16), folder.FullName, Shapes).Source);
    }

    [Fact]
    public void A_file_goes_before_the_directorys_name()
    {
        var directory = folder.CreateSubdirectory("pythia-70m");
        File.WriteAllText(Path.Combine(directory.FullName, "config.json"), """{"num_attention_heads": 4, "hidden_size": 512}""");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), directory.FullName, [new AttentionShape("w", 1536, 512)]);
        Assert.Equal((new AttentionGeometry(4, 4, 128), "config.json"), (resolved.Geometry, resolved.Source));
        Assert.Equal(
            ["the directory's name (the model name pythia-70m) says n_head=8 n_query_groups=8 head_size=64, which is not n_head=4 n_query_groups=4 head_size=128 from config.json; the latter was used"],
            resolved.Warnings);
    }

    [Fact]
    public void A_file_without_heads_is_passed_over()
    {
        Write("model_config.yaml", "name: x\n");
        Write("config.json", """{"num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 128}""");
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal("config.json", resolved.Source);
        Assert.Empty(resolved.Warnings);
    }

    [Theory]
    [InlineData("{\"", "no JSON object")]
    [InlineData("""{"num_attention_heads": 7, "hidden_size": 128}""", "n_embd 128 is not a multiple of n_head 7, and head_size is not given (from config.json)")]
    [InlineData("""{"num_attention_heads": true}""", "field num_attention_heads: 'True' is no whole number")]
    public void A_bad_file_that_is_not_needed_is_only_told(string text, string problem)
    {
        Write("model_config.yaml", "n_head: 8\nn_query_groups: 2\nhead_size: 16\n");
        Write("config.json", text);
        var resolved = GeometryResolver.Resolve(new GeometryFlags(), folder.FullName, Shapes);
        Assert.Equal("model_config.yaml", resolved.Source);
        var warning = Assert.Single(resolved.Warnings);
        Assert.Contains(problem, warning, StringComparison.Ordinal);
        Assert.EndsWith("; model_config.yaml was used", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_shape_is_checked()
    {
        var error = Assert.Throws<MigrationException>(() => GeometryResolver.Resolve(new GeometryFlags(8, 2, 16), folder.FullName, [.. Shapes, new AttentionShape("v", 160, 112)]));
        Assert.Equal(
            "tensor 'v': it has 160 rows, but n_head=8 n_query_groups=2 head_size=16 from --n-head, --n-query-groups and --head-size takes 192; attn.proj.weight has 112 columns, but that takes 128; "
            + "the shapes say n_head·head_size = 112 and n_query_groups·head_size = 24: --n-head, --n-query-groups and --head-size, --config FILE or --model NAME settle it",
            error.Message);
    }

    private void Refused(string message, GeometryFlags flags) =>
        Assert.Equal(message, Assert.Throws<MigrationException>(() => GeometryResolver.Resolve(flags, folder.FullName, Shapes)).Message);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.FullName, name), text);
}
