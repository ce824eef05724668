using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

public sealed class PathVerifierTests : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-verify-");
    private readonly string original;
    private readonly string upgraded;

    public PathVerifierTests()
    {
        original = Path.Combine(folder.FullName, "tree");
        upgraded = Path.Combine(folder.FullName, "tree-qkv");
        foreach (var model in new[] { "a", "b" })
        {
            Directory.CreateDirectory(Path.Combine(original, model));
            File.WriteAllBytes(Path.Combine(original, model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(Path.Combine(original, model, "model_config.yaml"), $"{Configuration}sliding_window_layer_placing: null\n");
            File.WriteAllText(Path.Combine(original, model, "tokenizer.json"), "{}");
        }

        var engine = new StreamReorderEngine();
        var request = new MigrationRequest { Path = original, Direction = MigrationDirection.Upgrade, Engine = () => engine };
        Assert.All(Migrator.Run(request, TestContext.Current.CancellationToken), report => Assert.Equal(CheckpointStatus.Upgraded, report.Status), throwIfEmpty: true);
    }

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_tree_is_verified_with_an_upgraded_configuration()
    {
        var reports = Verify().Where(report => !report.IsOfTree).ToList();

        Assert.Equal(2, reports.Count);
        Assert.All(reports, report => Assert.Empty(report.Differences), throwIfEmpty: true);
        Assert.All(reports, report => Assert.Equal(LegacyModel.Geometry, report.Geometry), throwIfEmpty: true);
    }

    [Fact]
    public void Links_are_seen_as_the_upgrade_sees_them()
    {
        var elsewhere = Directory.CreateDirectory(Path.Combine(folder.FullName, "elsewhere")).FullName;
        File.WriteAllBytes(Path.Combine(elsewhere, "lit_model.pth"), LegacyModel.Legacy.ToFile());
        Directory.CreateSymbolicLink(Path.Combine(original, "a", "linked"), elsewhere);
        Assert.Equal([true, true, false], Verify().Select(report => report.IsVerified));

        Directory.CreateSymbolicLink(Path.Combine($"{original}-qkv", "a", "linked"), elsewhere);
        Assert.Equal([true, true, true], Verify().Select(report => report.IsVerified));
    }

    [Fact]
    public void A_checkpoint_that_was_emptied_is_no_other_file()
    {
        File.WriteAllBytes(Path.Combine(original, "a", "lit_model.pth"), []);

        var report = Verify().First(report => !report.IsVerified);
        Assert.Equal($"{Path.Combine(original, "a", "lit_model.pth")}: the file is empty", report.Error?.Message);
    }

    [Fact]
    public void One_bad_checkpoint_does_not_hide_the_good_one()
    {
        File.Copy(Path.Combine(original, "b", "lit_model.pth"), Path.Combine(upgraded, "b", "lit_model.pth"), overwrite: true);

        Assert.Equal([true, false, true], Verify().Select(report => report.IsVerified));
    }

    [Theory]
    [InlineData("tokenizer.json", "{ ", "file 'a/tokenizer.json' at byte 1: 0x20, expected 0x7d")]
    [InlineData("tokenizer.json", "{}\n", "file 'a/tokenizer.json': 3 bytes, expected 2")]
    [InlineData("tokenizer.json", null, "file 'a/tokenizer.json': it is not in the second directory")]
    [InlineData("stray.bin", "x", "file 'a/stray.bin': the first directory has no such file")]
    [InlineData("model_config.yaml", "n_embd: 16\nn_head: 4\n", "file 'a/model_config.yaml' at byte 0: line 1 is 'n_embd: 16', expected 'name: x'")]
    [InlineData("model_config.yaml", null, "file 'a/model_config.yaml': the second directory has no configuration")]
    public void Other_files_that_differ_are_named(string name, string? content, string expected)
    {
        var path = Path.Combine(upgraded, "a", name);
        if (content is null)
        {
            File.Delete(path);
        }
        else
        {
            File.WriteAllText(path, content);
        }

        var reports = Verify();

        Assert.Equal([true, true, false], reports.Select(report => report.IsVerified));
        Assert.Equal(expected, Assert.Single(reports[^1].Differences).ToString());
    }

    [Fact]
    public void A_checkpoint_without_a_geometry_says_so()
    {
        File.Delete(Path.Combine(original, "a", "model_config.yaml"));

        var report = Verify()[0];

        Assert.False(report.IsVerified);
        Assert.Equal(FailureKind.Geometry, report.Error!.Kind);
    }

    [Fact]
    public void A_file_and_a_directory_cannot_be_compared()
    {
        var file = Path.Combine(original, "a", "lit_model.pth");

        var error = Assert.Throws<MigrationException>(() => PathVerifier.Run(file, upgraded, new VerificationOptions(), TestContext.Current.CancellationToken));

        Assert.Equal(FailureKind.Usage, error.Kind);
        Assert.Equal($"a directory and a file cannot be compared: {file} and {upgraded}", error.Problem);
    }

    [Fact]
    public void A_path_that_is_not_there_is_named_whatever_the_other_is()
    {
        var nowhere = Path.Combine(original, "nowhere");
        foreach (var path in new[] { original, Path.Combine(original, "a", "lit_model.pth"), nowhere })
        {
            foreach (var (first, second) in new[] { (nowhere, path), (path, nowhere) })
            {
                var error = Assert.Throws<MigrationException>(() => PathVerifier.Run(first, second, new VerificationOptions(), TestContext.Current.CancellationToken));

                Assert.Equal(FailureKind.Io, error.Kind);
                Assert.Equal((nowhere, "no such file or directory"), (error.File, error.Problem));
            }
        }
    }

    private IReadOnlyList<VerificationReport> Verify() =>
        PathVerifier.Run(original, upgraded, new VerificationOptions(), TestContext.Current.CancellationToken);
}
