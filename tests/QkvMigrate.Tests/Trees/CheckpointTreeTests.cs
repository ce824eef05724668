using QkvMigrate.Folders;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Trees;

public sealed class CheckpointTreeTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Each_directory_with_a_checkpoint_is_a_unit_with_what_lies_below_it_and_is_nobody_elses()
    {
        Checkpoint("lit_model.pth");
        Text("notes.txt");
        Text("logs/day.txt");
        Checkpoint("a/lit_model.pth");
        Text("a/tokenizer/tokenizer.json");
        Text("elsewhere/readme.txt");

        var tree = Find();

        Assert.Equal(["", "a"], tree.Units.Select(unit => unit.RelativePath));
        Assert.Equal(["notes.txt", "elsewhere/readme.txt", "logs/day.txt"], tree.Units[0].OtherFiles);
        Assert.Equal(["tokenizer/tokenizer.json"], tree.Units[1].OtherFiles);
        Assert.Equal(["a"], tree.Units[0].UnitsBelow);
        Assert.Empty(tree.Units[1].UnitsBelow);
        Assert.Equal([true, true, false], new[] { "notes.txt", "ab/notes.txt", "a/notes.txt" }.Select(tree.Units[0].Owns));
        Assert.Equal((2 * LegacyModel.Legacy.ToFile().Length) + (4 * "text".Length), tree.Units.Sum(unit => unit.CountBytes()));
        Assert.True(tree.HasBranches);
    }

    /// <summary>Many folders of one depth are looked at side by side.</summary>
    [Fact]
    public void Units_have_the_order_of_their_paths_however_many_there_are()
    {
        string[] names = [.. Enumerable.Range(0, 60).Select(number => $"run-{number:00}")];
        foreach (var name in names)
        {
            Checkpoint($"{name}/lit_model.pth");
            Text($"{name}/below/b.txt");
            Text($"{name}/a.txt");
        }

        var tree = Find();

        Assert.Equal(names, tree.Units.Select(unit => unit.RelativePath));
        Assert.All(tree.Units, unit => Assert.Equal(["a.txt", "below/b.txt"], unit.OtherFiles), throwIfEmpty: true);
        Assert.Equal(1 + (2 * names.Length), tree.Folders.Count);
    }

    [Fact]
    public void A_directory_with_checkpoints_of_its_own_alone_has_no_branches()
    {
        Checkpoint("lit_model.pth");
        Checkpoint("optimizer.pth");
        Text("sub/readme.txt");

        Assert.False(Find().HasBranches);
    }

    [Fact]
    public void What_a_batch_wrote_down_is_no_part_of_a_tree()
    {
        Checkpoint("lit_model.pth");
        Text(".qkvmigrate/tree.json");
        Text("SHA256SUMS");
        Text("a/SHA256SUMS");

        Assert.Equal(["a/SHA256SUMS"], Assert.Single(Find().Units).OtherFiles);
    }

    [Fact]
    public void Linked_directories_are_not_entered_and_linked_files_are_taken()
    {
        Checkpoint("a/lit_model.pth");
        Directory.CreateSymbolicLink(folder.At("b"), folder.At("a"));
        Directory.CreateDirectory(folder.At("c"));
        File.CreateSymbolicLink(folder.At("c", "linked.pth"), folder.At("a", "lit_model.pth"));

        var units = Find().Units;

        Assert.Equal(["a", "c"], units.Select(unit => unit.RelativePath));
        Assert.Equal(units[0].CountBytes(), units[1].CountBytes());
    }

    [Theory]
    [InlineData("lit_model.pth", "", true)]
    [InlineData("lit_model.pth", "\0\0\0\0\0\0\0\0\0\0\0\0", true)]
    [InlineData("lit_model.pth", "version https://git-lfs.github.com/spec/v1\n", true)]
    [InlineData("lit_model.pth.lora", "", true)]
    [InlineData("lit_model_gptq.4bit.pth", "", true)]
    [InlineData("lit_model.pth.adapter_v2", "", true)]
    [InlineData("model-00001-of-00002.safetensors", "no header", true)]
    [InlineData("pytorch_model.bin", "", true)]
    [InlineData("model-00001-of-00002.safetensors", "version https://git-lfs.github.com/spec/v1\n", false)]
    [InlineData("pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n", false)]
    [InlineData("pytorch_model.bin.index.json", "{}", false)]
    [InlineData("lit_model.pth.sha256", "0123", false)]
    [InlineData("distutils-precedence.pth", "import os", false)]
    [InlineData("tokenizer.bin", "", false)]
    public void What_bears_a_checkpoints_name_is_one_whatever_has_become_of_it(string name, string content, bool isOne)
    {
        Checkpoint("other.pth");
        File.WriteAllText(folder.At(name), content);

        var unit = Assert.Single(Find().Units);

        Assert.Equal(isOne, unit.Checkpoints.Contains(name));
        Assert.Equal(!isOne, unit.OtherFiles.Contains(name));
    }

    [Fact]
    public void A_pipe_is_not_waited_for_and_a_link_to_nowhere_comes_along()
    {
        Checkpoint("lit_model.pth");
        Assert.Equal(0, ChildProcess.Run("/usr/bin/mkfifo", [folder.At("pipe")]).ExitCode);
        File.CreateSymbolicLink(folder.At("dangling"), folder.At("nowhere"));

        var unit = Assert.Single(Find().Units);
        Assert.Empty(unit.OtherFiles);
        Assert.Equal("dangling", Assert.Single(unit.Links).Path);
    }

    [Fact]
    public void A_tree_without_checkpoints_is_refused()
    {
        Text("readme.txt");
        AssertRefused("no checkpoint in this directory or below it", CheckpointSelection.All);
    }

    [Fact]
    public void A_tree_of_which_nothing_is_selected_is_refused()
    {
        Checkpoint("lit_model.pth");
        AssertRefused("no checkpoint in this directory or below it passes --include and --exclude", new CheckpointSelection(["*.safetensors"], []));
    }

    private void AssertRefused(string problem, CheckpointSelection selection)
    {
        var error = Assert.Throws<MigrationException>(() => CheckpointTree.Find(folder.Path, selection, TestContext.Current.CancellationToken));
        Assert.Equal((FailureKind.Malformed, problem, folder.Path), (error.Kind, error.Problem, error.File));
    }

    private CheckpointTree Find() => CheckpointTree.Find(folder.Path, CheckpointSelection.All, TestContext.Current.CancellationToken);

    private void Checkpoint(string name) => Write(name, LegacyModel.Legacy.ToFile());

    private void Text(string name) => Write(name, "text"u8);

    private void Write(string name, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
        File.WriteAllBytes(folder.At(name), content);
    }
}
