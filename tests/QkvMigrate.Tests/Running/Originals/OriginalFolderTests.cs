using QkvMigrate.Running.Originals;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>A folder or a tree is proven by a list of what its files were.</summary>
public sealed class OriginalFolderTests : IDisposable
{
    private const string Yaml = "name: x\nn_head: 4\nn_query_groups: 2\nhead_size: 4\ncondense_ratio: 2 # once\n";

    private readonly MigratedFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_folder_is_proven_with_its_configuration_its_index_and_what_came_along()
    {
        WriteModels();
        var upgraded = Upgrade();
        Assert.Contains("#qkvmigrate", File.ReadAllText(Path.Combine(upgraded, "a", "model_config.yaml")), StringComparison.Ordinal);
        var proof = Prove(folder.List("legacy"));
        Assert.Equal(
            ["a/model.safetensors", "a/model_config.yaml", "a/notes.txt", "b/model-1.safetensors", "b/model-2.safetensors", "b/model.safetensors.index.json"],
            proof.Reports.Select(report => Path.GetRelativePath(upgraded, report.Path)).Order(StringComparer.Ordinal));
        Assert.All(proof.Reports, report => Assert.True(report.IsVerified, report.Problem), throwIfEmpty: true);
        Assert.Empty(proof.Unlisted);
    }

    [Theory]
    [InlineData("a/model.safetensors")]
    [InlineData("a/model_config.yaml")]
    [InlineData("a/notes.txt")]
    [InlineData("b/model-2.safetensors")]
    [InlineData("b/model.safetensors.index.json")]
    public void A_file_with_another_byte_at_its_end_is_told(string name)
    {
        WriteModels();
        var upgraded = Upgrade();
        var path = Path.Combine(upgraded, name);
        var bytes = File.ReadAllBytes(path);
        bytes[^2] ^= 1;
        File.WriteAllBytes(path, bytes);
        var proof = Prove(folder.List("legacy"));
        Assert.False(proof.IsVerified);
        Assert.Contains(proof.Reports.Where(report => !report.IsVerified), report => report.Path == path || report.Error is not null);
    }

    [Fact]
    public void A_checkpoint_without_a_line_is_not_proven_and_another_file_without_one_is_named()
    {
        WriteModels();
        var upgraded = Upgrade();
        var sums = folder.List("legacy");
        File.WriteAllLines(sums, File.ReadAllLines(sums).Where(line => !line.EndsWith("a/notes.txt", StringComparison.Ordinal)));
        var proof = Prove(sums);
        Assert.True(proof.IsVerified);
        Assert.Equal([Path.Combine(upgraded, "a", "notes.txt")], proof.Unlisted);

        File.WriteAllLines(sums, File.ReadAllLines(sums).Where(line => !line.EndsWith("a/model.safetensors", StringComparison.Ordinal)));
        var failed = Assert.Single(Prove(sums).Reports, report => !report.IsVerified);
        Assert.Equal((Path.Combine(upgraded, "a", "model.safetensors"), $"there is no checksum for it in {sums}"), (failed.Path, failed.Problem));
    }

    [Fact]
    public void A_line_without_a_file_is_told()
    {
        WriteModels();
        var upgraded = Upgrade();
        var sums = folder.List("legacy");
        File.AppendAllText(sums, $"{new string('0', 64)}  a/more/other.pth\n");
        var failed = Assert.Single(Prove(sums).Reports, report => !report.IsVerified);
        Assert.Equal((Path.Combine(upgraded, "a/more/other.pth"), "there is a checksum for it, and no such file"), (failed.Path, failed.Problem));
    }

    [Fact]
    public void A_configuration_that_an_upgrade_made_is_none_of_the_originals()
    {
        folder.Write(LegacyModel.Legacy.ToFile(), "legacy", "lit_model.pth");
        folder.Write("""{"n_head": 4, "n_query_groups": 2, "head_size": 4}"""u8.ToArray(), "legacy", "lit_config.json");
        var upgraded = Upgrade();
        Assert.True(File.Exists(Path.Combine(upgraded, "model_config.yaml")));
        var sums = folder.List("legacy");
        var proof = Prove(sums);
        Assert.True(proof.IsVerified);
        Assert.Empty(proof.Unlisted);

        File.AppendAllText(sums, $"{WorkFolder.Sha256(Path.Combine(upgraded, "model_config.yaml"))}  model_config.yaml\n");
        var failed = Assert.Single(Prove(sums).Reports, report => !report.IsVerified);
        Assert.Equal("there is a checksum for it, and before upgrade there was no such file", failed.Problem);
    }

    [Fact]
    public void One_checkpoint_upgraded_and_another_downgraded_is_told()
    {
        folder.Write(LegacyModel.Legacy.ToFile(), "mixed", "a.pth");
        var today = File.ReadAllBytes(folder.Migrate(MigrationDirection.Upgrade, folder.At("mixed", "a.pth"), "today"));
        folder.Write(LegacyModel.Legacy.ToFile(), "out", "a", "a.pth");
        folder.Write(today, "out", "b", "b.pth");
        var sums = folder.Write(
            System.Text.Encoding.UTF8.GetBytes($"{WorkFolder.Sha256(folder.At("today"))}  a/a.pth\n{WorkFolder.Sha256(folder.At("mixed", "a.pth"))}  b/b.pth\n"),
            "sums");
        var proof = MigratedFolder.Prove(folder.At("out"), OriginalChecksums.Read(sums));
        Assert.Equal(["a.pth", "b.pth", "out"], proof.Reports.Select(report => Path.GetFileName(report.Path)));
        Assert.Equal([true, true, false], proof.Reports.Select(report => report.IsVerified));
        Assert.False(MigratedFolder.Prove(folder.At("out"), OriginalChecksums.Read(sums), MigrationDirection.Upgrade).IsVerified);
    }

    [Fact]
    public void A_checksum_of_one_file_is_none_of_a_folder()
    {
        WriteModels();
        var upgraded = Upgrade();
        Assert.Equal(FailureKind.Usage, Assert.Throws<MigrationException>(() => MigratedFolder.Prove(upgraded, OriginalChecksums.Of(new string('0', 64)))).Kind);
    }

    private void WriteModels()
    {
        folder.Write(LegacyModel.Legacy.ToSafetensors(), "legacy", "a", "model.safetensors");
        folder.Write(System.Text.Encoding.UTF8.GetBytes(Yaml), "legacy", "a", "model_config.yaml");
        folder.Write("notes\n"u8.ToArray(), "legacy", "a", "notes.txt");
        var (weight, bias) = ("transformer.h.0.attn.attn.weight", "transformer.h.0.attn.attn.bias");
        folder.Write(new StateDict([new(weight, 0, [32, 3], [3, 1])], [96]).ToSafetensors(), "legacy", "b", "model-1.safetensors");
        folder.Write(new StateDict([new(bias, 0, [32], [1])], [32]).ToSafetensors(), "legacy", "b", "model-2.safetensors");
        var index = $$"""{ "metadata" :{"x":1}, "weight_map": {"{{weight}}" : "model-1.safetensors","{{bias}}":"model-2.safetensors" } }""";
        folder.Write(System.Text.Encoding.UTF8.GetBytes(index), "legacy", "b", "model.safetensors.index.json");
    }

    private string Upgrade() => folder.Migrate(MigrationDirection.Upgrade, folder.At("legacy"), "upgraded");

    private OriginalProof Prove(string sums) => MigratedFolder.Prove(folder.At("upgraded"), OriginalChecksums.Read(sums));
}
