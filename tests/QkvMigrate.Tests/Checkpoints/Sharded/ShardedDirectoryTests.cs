using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.Sharded;

/// <summary>A directory of safetensors shards with an index: migrated as one, or refused as one.</summary>
public sealed class ShardedDirectoryTests : IDisposable
{
    private const string IndexName = "model.safetensors.index.json";
    private const string Index = """
        {
          "metadata": {"total_size": 48},
          "weight_map": {
            "attn.attn.weight": "1.safetensors",
            "attn.proj.weight": "2.safetensors"
          }
        }

        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-tests-");

    private string Source => Path.Combine(folder.FullName, "source");

    private string Output => Path.Combine(folder.FullName, "output");

    [Fact]
    public void Shards_and_index_follow_and_the_way_back_gives_the_same_bytes()
    {
        WriteRight();
        Assert.Equal([CheckpointStatus.Upgraded, CheckpointStatus.Unchanged], Run(MigrationDirection.Upgrade, Source, Output).Select(report => report.Status));
        Assert.Equal(Index.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal), File.ReadAllText(Path.Combine(Output, IndexName)));
        Assert.Equal([0, 1, 4, 5, 2, 6, 3, 7], File.ReadAllBytes(Path.Combine(Output, "1.safetensors"))[^8..]);

        var back = Path.Combine(folder.FullName, "back");
        Assert.Equal([CheckpointStatus.Downgraded, CheckpointStatus.Unchanged], Run(MigrationDirection.Downgrade, Output, back).Select(report => report.Status));
        Assert.Equal(Contents(Source), Contents(back));
    }

    [Fact]
    public void The_projection_in_the_other_shard_is_held_against_the_geometry()
    {
        WriteRight();
        Write("2.safetensors", "attn.proj.weight", 5, 8);
        Assert.Equal(FailureKind.Geometry, Refusal().Kind);
    }

    [Fact]
    public void An_upgrade_in_place_that_was_cut_short_is_finished()
    {
        WriteRight();
        File.WriteAllText(Path.Combine(Source, IndexName), Index.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal));
        Assert.Equal([CheckpointStatus.Upgraded, CheckpointStatus.Unchanged], Run(MigrationDirection.Upgrade, Source, Output).Select(report => report.Status));
        Assert.Equal([0, 1, 4, 5, 2, 6, 3, 7], File.ReadAllBytes(Path.Combine(Output, "1.safetensors"))[^8..]);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void An_index_that_takes_too_much_memory_is_refused()
    {
        WriteRight();
        File.WriteAllText(Path.Combine(Source, IndexName), $"{{\"weight_map\":{{{string.Join(',', Enumerable.Range(0, 1_000_000).Select(number => $"\"{number}\":\"f\""))}}}}}");
        var refused = Refusal();
        Assert.Equal((Path.Combine(Source, IndexName), "index", FailureKind.Unsupported), (refused.File, refused.Where, refused.Kind));
        Assert.Equal("what it lists takes more than 104 MiB of memory, as no checkpoint's does", refused.Problem);
    }

    [Fact]
    public void A_shard_that_is_not_there_is_refused()
    {
        WriteRight();
        File.Delete(Path.Combine(Source, "2.safetensors"));
        Assert.Equal("the shard 2.safetensors is not there", Refusal(checkpoints: 1).Problem);
    }

    [Fact]
    public void A_key_that_its_shard_lacks_is_refused()
    {
        WriteRight();
        Write("2.safetensors", [("other", 4, 1)]);
        Write(IndexName, Index.Replace("\"attn.attn.weight\"", "\"other\": \"2.safetensors\", \"attn.attn.weight\"", StringComparison.Ordinal));
        Assert.Equal("'attn.proj.weight' is said to be in the shard 2.safetensors, which has no such tensor", Refusal().Problem);
    }

    [Fact]
    public void A_tensor_that_the_index_lacks_is_refused()
    {
        WriteRight();
        Write("2.safetensors", [("attn.proj.weight", 5, 4), ("other", 4, 1)]);
        Assert.Equal("the shard 2.safetensors has a tensor 'other', which the index does not give it", Refusal().Problem);
    }

    [Fact]
    public void Both_names_of_a_tensor_are_refused()
    {
        WriteRight();
        Write("2.safetensors", [("attn.proj.weight", 5, 4), ("attn.qkv.weight", 8, 1)]);
        Write(IndexName, Index.Replace("\"attn.proj.weight\"", "\"attn.qkv.weight\": \"2.safetensors\", \"attn.proj.weight\"", StringComparison.Ordinal));
        var error = Refusal();
        Assert.Equal("'attn.attn.weight' and 'attn.qkv.weight' are the legacy and the upgraded name of one tensor", error.Problem);
        Assert.Equal(FailureKind.Conflict, error.Kind);
    }

    [Theory]
    [InlineData("""{"weight_map": {"attn.attn.weight": "../1.safetensors"}}""", "'attn.attn.weight' names no file in the index's own directory")]
    [InlineData("""{"weight_map": {"attn.attn.weight": 1}}""", "'attn.attn.weight' names no file in the index's own directory")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "\u0061": "1.safetensors"}}""", "the key 'a' stands twice")]
    [InlineData("""{"weight_map": {}, "weight_map": {}}""", "weight_map stands twice")]
    [InlineData("""{"weight_map": []}""", "weight_map is no dict")]
    [InlineData("""{"metadata": {}}""", "the index has no weight_map")]
    [InlineData("""[]""", "the index is no dict")]
    [InlineData("""{"weight_map": {}""", "the index is not valid JSON")]
    public void An_index_that_is_none_is_refused(string index, string problem)
    {
        WriteRight();
        Write(IndexName, index);
        Assert.Equal(problem, Refusal().Problem);
    }

    [Fact]
    public void An_index_without_LitGPTs_names_is_left_alone()
    {
        WriteRight();
        const string HuggingFace = """{"weight_map": {"gpt_neox.layers.0.attention.query_key_value.weight": "pytorch_model-00001-of-00002.bin"}}""";
        Write("pytorch_model.bin.index.json", HuggingFace);
        Assert.Equal([CheckpointStatus.Upgraded, CheckpointStatus.Unchanged], Run(MigrationDirection.Upgrade, Source, Output).Select(report => report.Status));
        Assert.Equal(HuggingFace, File.ReadAllText(Path.Combine(Output, "pytorch_model.bin.index.json")));
    }

    [Fact]
    public void A_shard_by_itself_is_refused()
    {
        WriteRight();
        var report = Assert.Single(Run(MigrationDirection.Upgrade, Path.Combine(Source, "1.safetensors"), null));
        Assert.Equal($"this is a shard of {IndexName}; name the directory, so that the index and the other shards follow", report.Error!.Problem);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private void WriteRight()
    {
        Directory.CreateDirectory(Source);
        Write(IndexName, Index);
        Write("1.safetensors", [("attn.attn.weight", 8, 1)]);
        Write("2.safetensors", [("attn.proj.weight", 5, 4)]);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(Source, name), text);

    private void Write(string name, string key, int rows, int columns) => Write(name, [(key, rows, columns)]);

    /// <summary>A file of uint8 matrices whose bytes count from 0.</summary>
    private void Write(string name, IReadOnlyList<(string Key, int Rows, int Columns)> tensors) => File.WriteAllBytes(
        Path.Combine(Source, name),
        SafetensorsFile.Write(tensors.Select(tensor => (tensor.Key, "U8", (int[])[tensor.Rows, tensor.Columns])), 1));

    /// <summary>Name and bytes of each of the three files of a directory.</summary>
    private static SortedDictionary<string, byte[]> Contents(string directory)
    {
        var files = Directory.EnumerateFiles(directory).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes);
        Assert.Equal(3, files.Count);
        return new(files, StringComparer.Ordinal);
    }

    /// <summary>The error of the first checkpoint; the others are not worked on, and nothing is written.</summary>
    private MigrationException Refusal(int checkpoints = 2)
    {
        var reports = Run(MigrationDirection.Upgrade, Source, Output);
        Assert.False(Directory.Exists(Output));
        Assert.Equal([CheckpointStatus.Refused, .. Enumerable.Repeat(CheckpointStatus.Skipped, checkpoints - 1)], reports.Select(report => report.Status));
        return reports[0].Error!;
    }

    private static IReadOnlyList<CheckpointReport> Run(MigrationDirection direction, string source, string? output)
    {
        var engine = new StreamReorderEngine();
        return Migrator.Run(
            new MigrationRequest { Path = source, Output = output, Direction = direction, Geometry = new GeometryFlags(4, 2, 1), Engine = () => engine },
            TestContext.Current.CancellationToken);
    }
}
