using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Where the result goes, and what is never overwritten.</summary>
public sealed class OutputTests : IClassFixture<JudgedUpgrade>, IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly JudgedUpgrade _judged;
    private readonly Fixture _fixture;
    private readonly string _directory;
    private readonly string _source;

    public OutputTests(FixtureSet fixtures, JudgedUpgrade judged)
    {
        _judged = judged;
        _fixture = fixtures[JudgedUpgrade.FixtureName];
        _directory = _folder.Take(_fixture.Folder, "model");
        _source = Path.Combine(_directory, _fixture.Checkpoint);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_files_upgrade_goes_beside_it()
    {
        Succeed("upgrade", _source);
        AssertUpgraded(Path.Combine(_directory, "lit_model-qkv.pth"));
        AssertSourceIsUntouched();
    }

    [Fact]
    public void A_file_behind_a_link_of_the_working_directory_is_replaced()
    {
        File.CreateSymbolicLink(_folder.At("latest.pth"), Path.GetRelativePath(_folder.Path, _source));
        string[] words = ["--chdir", _folder.Path, BuildFacts.Program, "upgrade", "latest.pth", "--in-place", "--config", Path.Combine(_directory, "model_config.yaml")];

        var run = ChildProcess.Run("env", words, Tool.Environment);

        Assert.True(run.ExitCode == 0, run.Error);
        AssertUpgraded(_source);
        Assert.Equal(Path.GetRelativePath(_folder.Path, _source), new FileInfo(_folder.At("latest.pth")).LinkTarget);
    }

    [Fact]
    public void A_directorys_upgrade_goes_beside_it_with_its_other_files()
    {
        AddOtherFiles();
        var before = WorkFolder.Snapshot(_directory);

        Succeed("upgrade", _directory + "/");

        Assert.Equal(before, WorkFolder.Snapshot(_directory));
        var upgraded = _folder.At("model-qkv");
        AssertUpgraded(Path.Combine(upgraded, "lit_model.pth"));
        var after = WorkFolder.Snapshot(upgraded);
        Assert.Equal(before.Keys, after.Keys);
        Assert.Equal(before["tokenizer.json"], after["tokenizer.json"]);
        Assert.Equal(before["nested/notes.txt"], after["nested/notes.txt"]);
    }

    [Fact]
    public void A_named_file_is_written()
    {
        var output = _folder.At("new.pth");
        Succeed("upgrade", _source, "-o", output);
        AssertUpgraded(output);
        AssertSourceIsUntouched();
    }

    [Fact]
    public void A_named_directory_is_written()
    {
        AddOtherFiles();
        Succeed("upgrade", _directory, "--output", _folder.At("new"));
        AssertUpgraded(_folder.At("new", "lit_model.pth"));
        Assert.Equal(WorkFolder.Snapshot(_directory).Keys, WorkFolder.Snapshot(_folder.At("new")).Keys);
        AssertSourceIsUntouched();
    }

    [Fact]
    public void An_existing_file_is_not_overwritten()
    {
        var output = _folder.At("new.pth");
        File.WriteAllText(output, "precious");
        RefuseNaming("new.pth", "upgrade", _source, "-o", output);
    }

    [Fact]
    public void An_existing_directory_is_not_overwritten()
    {
        Directory.CreateDirectory(_folder.At("model-qkv"));
        File.WriteAllText(_folder.At("model-qkv", "lit_model.pth"), "precious");
        RefuseNaming("model-qkv", "upgrade", _directory);
    }

    [Fact]
    public void Force_overwrites_a_file()
    {
        var output = _folder.At("new.pth");
        File.WriteAllText(output, "stale");
        Succeed("upgrade", _source, "-o", output, "--force");
        AssertUpgraded(output);
    }

    [Fact]
    public void Force_overwrites_a_directorys_checkpoint()
    {
        Directory.CreateDirectory(_folder.At("model-qkv"));
        File.WriteAllText(_folder.At("model-qkv", "lit_model.pth"), "stale");
        Succeed("upgrade", _directory, "--force");
        AssertUpgraded(_folder.At("model-qkv", "lit_model.pth"));
    }

    [Fact]
    public void The_source_is_no_output()
    {
        RefuseNaming("lit_model.pth", "upgrade", _source, "-o", _source, "--force");
        RefuseNaming("lit_model.pth", "upgrade", _source, "-o", Path.Combine(_directory, "..", "model", "lit_model.pth"), "--force");
    }

    [Fact]
    public void In_place_replaces_the_checkpoint_and_leaves_nothing_else()
    {
        AddOtherFiles();
        var before = WorkFolder.Snapshot(_directory);
        Succeed("upgrade", _directory, "--in-place");
        AssertUpgraded(_source);
        Assert.Equal(before.Keys, WorkFolder.Snapshot(_directory).Keys);
        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void In_place_of_a_file_leaves_its_neighbours_alone()
    {
        var before = WorkFolder.Snapshot(_directory);
        Succeed("upgrade", _source, "--in-place");
        AssertUpgraded(_source);
        var after = WorkFolder.Snapshot(_directory);
        Assert.Equal(before.Keys, after.Keys);
    }

    [Fact]
    public void A_backup_is_the_source_as_it_was()
    {
        var before = WorkFolder.Sha256(_source);
        Succeed("upgrade", _source, "--in-place", "--backup", ".bak");
        AssertUpgraded(_source);
        Assert.Equal(before, WorkFolder.Sha256(_source + ".bak"));
    }

    [Fact]
    public void An_existing_backup_is_not_overwritten()
    {
        File.WriteAllText(_source + ".bak", "precious");
        RefuseNaming("lit_model.pth.bak", "upgrade", _source, "--in-place", "--backup", ".bak");
    }

    private void AddOtherFiles()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "nested"));
        File.WriteAllText(Path.Combine(_directory, "tokenizer.json"), "{}");
        File.WriteAllText(Path.Combine(_directory, "nested", "notes.txt"), "kept");
    }

    private static void Succeed(params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private void RefuseNaming(string name, params string[] arguments)
    {
        var before = _folder.Snapshot();
        var run = Tool.Run(arguments);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(name, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, _folder.Snapshot());
    }

    private void AssertUpgraded(string file) => Assert.Equal(_judged.Sha256, WorkFolder.Sha256(file));

    private void AssertSourceIsUntouched() =>
        Assert.Equal(WorkFolder.Sha256(Path.Combine(_fixture.Folder, _fixture.Checkpoint)), WorkFolder.Sha256(_source));
}
