using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// A path with <c>..</c> behind a link, in every place of a command line, leads where it leads the system. By the names alone it would lead to
/// decoys, of which none may be read or written.
/// </summary>
public sealed class LinkedPathTests : IDisposable
{
    private const string Model = "dl/../lit_model.pth";

    private readonly WorkFolder folder = new();

    public LinkedPathTests()
    {
        Directory.CreateDirectory(folder.At("far"));
        folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "taken");
        Directory.Move(folder.At("taken"), folder.At("far", "model"));
        Directory.CreateDirectory(folder.At("far", "model", "deep"));
        Directory.CreateDirectory(folder.At("work"));
        Directory.CreateSymbolicLink(folder.At("work", "dl"), "../far/model/deep");
        foreach (var name in new[] { "lit_model.pth", "model_config.yaml", "decoy", "SHA256SUMS" })
        {
            folder.Write($"work/{name}", "decoy\n");
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_read_and_written_there()
    {
        Succeed("upgrade", Model, "-o", "dl/../new.pth");
        Assert.Equal(Real("dl/../new.pth"), folder.At("far", "model", "new.pth"));
        Succeed("verify", Model, "dl/../new.pth");
        Succeed("downgrade", "dl/../new.pth", "-o", "dl/../back.pth");
        Assert.Equal(WorkFolder.Sha256(Real(Model)), WorkFolder.Sha256(folder.At("far", "model", "back.pth")));
        Succeed("upgrade", Model);
        Assert.True(File.Exists(folder.At("far", "model", "lit_model-qkv.pth")));
        AssertNothingElse();
    }

    [Fact]
    public void A_file_is_replaced_there_and_kept_beside_it()
    {
        var before = WorkFolder.Sha256(Real(Model));
        Succeed("upgrade", Model, "--in-place", "--backup", ".bak");
        Assert.Equal(before, WorkFolder.Sha256(folder.At("far", "model", "lit_model.pth.bak")));
        Assert.NotEqual(before, WorkFolder.Sha256(Real(Model)));
        Succeed("downgrade", Model, "--in-place", "--journal");
        Assert.Equal(before, WorkFolder.Sha256(Real(Model)));
        Succeed("recover", Model);
        Succeed("recover", "dl/..");
        AssertNothingElse();
    }

    [Fact]
    public void A_tree_is_read_and_written_there()
    {
        Succeed("upgrade", "dl/../..", "-o", "dl/../../../up");
        Assert.True(File.Exists(folder.At("up", "model", "lit_model.pth")));
        Succeed("report", "dl/../../../up");
        Succeed("verify", "dl/../..", "dl/../../../up");
        Succeed("export", "dl/..", "-o", "dl/../../hf");
        Assert.True(File.Exists(folder.At("far", "hf", "config.json")));
        Succeed("verify", "dl/..", "dl/../../hf");
        AssertNothingElse();
    }

    [Fact]
    public void Options_lead_there_too()
    {
        Directory.CreateDirectory(folder.At("alone"));
        File.Copy(Real(Model), folder.At("alone", "lit_model.pth"));
        Succeed("upgrade", "../alone/lit_model.pth", "--config", "dl/../model_config.yaml");
        Succeed("inspect", "../alone/lit_model.pth", "--config", "dl/../model_config.yaml", "--html", "dl/../page.html");
        Assert.True(File.Exists(folder.At("far", "model", "page.html")));
        Succeed("export", "../alone/lit_model.pth", "--config", "dl/../model_config.yaml", "-o", "../alone/hf");
        File.WriteAllText(folder.At("far", "sums"), $"{WorkFolder.Sha256(Real(Model))}  lit_model-qkv.pth\n");
        Succeed("verify", "../alone/lit_model-qkv.pth", "--original-sha256sums", "dl/../../sums", "--config", "dl/../model_config.yaml");
        Assert.Contains($"folder      {folder.At("far", "model")}", Succeed("doctor", "dl/..").Output, StringComparison.Ordinal);
        AssertNothingElse();
    }

    [Theory]
    [InlineData(Model, "far/model/lit_model.pth")]
    [InlineData("./dl/.//../../model/lit_model.pth", "far/model/../model/lit_model.pth")]
    public void A_report_names_the_folder_that_was_found(string path, string reported)
    {
        var report = JsonReport.OnlyCheckpoint(Succeed("inspect", path, "--json"));
        Assert.Equal(folder.At(reported), report.Text("path"));
        Assert.Equal(Real(path), Path.GetFullPath(folder.At(reported)));
    }

    [Theory]
    [InlineData("../far/model/lit_model.pth")]
    [InlineData("./../work/../far//model/./lit_model.pth")]
    [InlineData("dl/deeper.pth")]
    [InlineData("dl//./deeper.pth")]
    public void A_report_names_any_other_path_as_it_was_written(string path)
    {
        File.Copy(Real(Model), folder.At("far", "model", "deep", "deeper.pth"));
        var report = JsonReport.OnlyCheckpoint(Succeed("inspect", path, "--json", "--config", "../far/model/model_config.yaml"));
        Assert.Equal(path, report.Text("path"));
    }

    [Theory]
    [InlineData("missing", "No such file or directory")]
    [InlineData("decoy", "Not a directory")]
    [InlineData("round", "Too many levels of symbolic links")]
    public void A_path_that_the_system_cannot_follow_ends_in_one_line(string behind, string problem)
    {
        var path = $"{behind}/../lit_model.pth";
        var before = folder.Snapshot();
        File.CreateSymbolicLink(folder.At("work", "round"), "round");
        string[][] lines =
        [
            ["upgrade", path], ["upgrade", path, "--in-place"], ["upgrade", Model, "-o", path, "--force"], ["upgrade", Model, path, "--in-place"],
            ["upgrade", Model, "--config", path], ["downgrade", path], ["inspect", path, "--json"], ["inspect", Model, "--html", path, "--force"],
            ["verify", path, Model], ["verify", Model, path], ["verify", Model, "--original-sha256sums", path], ["export", path, "-o", "hf"],
            ["export", "dl/..", "-o", path], ["report", path], ["recover", path], ["doctor", path],
            ["generate", path, "--tokens", "1"], ["bench", path], ["upgrade", Model, "--lora", "merge", "--lora-base", path], ["upgrade", Model, "--libtorch", path],
        ];
        foreach (var line in lines)
        {
            var run = Run(line);
            Assert.Equal((1, ""), (run.ExitCode, run.Output));
            Assert.Equal($"qkvmigrate: {path}: '..' behind {behind}: {problem}, where a folder was expected", Assert.Single(run.ErrorLines));
        }

        File.Delete(folder.At("work", "round"));
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void A_word_that_is_wrong_is_told_first()
    {
        var run = Run("upgrade", "missing/../lit_model.pth", "--journal");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--journal goes with --in-place", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(0, Run("upgrade", "missing/../lit_model.pth", "--help").ExitCode);
    }

    [Theory]
    [InlineData("new/", "new/: there is no such directory")]
    [InlineData("new/.", "new/.: there is no such directory")]
    [InlineData("decoy/.", "'.' behind decoy: Not a directory")]
    public void A_name_of_a_folder_is_not_that_of_a_file(string output, string problem)
    {
        var run = Run("upgrade", Model, "-o", output, "--force");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(problem, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        AssertNothingElse();
    }

    [Theory]
    [InlineData("out")]
    [InlineData("out/")]
    [InlineData("out/.")]
    [InlineData("out//")]
    public void A_link_to_a_folder_stands_for_it_however_it_ends(string output)
    {
        Directory.CreateDirectory(folder.At("far", "out"));
        Directory.CreateSymbolicLink(folder.At("work", "out"), "../far/out");
        foreach (var kind in new[] { "upgrade", "export" })
        {
            Succeed(kind, "dl/..", "-o", output, "--force");
            Assert.NotEmpty(Directory.EnumerateFiles(folder.At("far", "out")));
            Assert.Equal("../far/out", new DirectoryInfo(folder.At("work", "out")).LinkTarget);
            Directory.Delete(folder.At("far", "out"), recursive: true);
            Directory.CreateDirectory(folder.At("far", "out"));
        }

        File.Delete(folder.At("work", "out"));
        AssertNothingElse();
    }

    [Fact]
    public void A_long_path_is_followed()
    {
        var path = $"{string.Concat(Enumerable.Repeat("dl/../deep/../../../work/", 158))}{Model}";
        Assert.InRange(path.Length, 3900, 4095);
        Assert.Equal(folder.At("far", "model", "lit_model.pth"), JsonReport.OnlyCheckpoint(Succeed("inspect", path, "--json")).Text("path"));
    }

    private ProcessResult Run(params string[] words) =>
        ChildProcess.Run("env", ["--chdir", folder.At("work"), BuildFacts.Program, .. words], Tool.Environment);

    private ProcessResult Succeed(params string[] words)
    {
        var run = Run(words);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', words)}: {run.Error}");
        return run;
    }

    /// <summary>What the system says that a path leads to.</summary>
    private string Real(string path)
    {
        var run = ChildProcess.Run("env", ["--chdir", folder.At("work"), "realpath", path]);
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output.TrimEnd('\n');
    }

    private void AssertNothingElse()
    {
        string[] expected = ["SHA256SUMS", "decoy", "dl", "lit_model.pth", "model_config.yaml"];
        Assert.Equal(expected, Directory.EnumerateFileSystemEntries(folder.At("work")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(["lit_model.pth", "model_config.yaml", "decoy", "SHA256SUMS"], name => Assert.Equal("decoy\n", File.ReadAllText(folder.At("work", name))), throwIfEmpty: true);
    }
}
