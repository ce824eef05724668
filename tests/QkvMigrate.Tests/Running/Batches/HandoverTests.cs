using QkvMigrate.Folders;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>What came along from a folder that had no checkpoint and has one now, or the other way round.</summary>
public sealed class HandoverTests : AccountedTree
{
    public HandoverTests()
    {
        File.WriteAllBytes(folder.At("tree", "lit_model.pth"), File.ReadAllBytes(folder.At("tree", "b", "lit_model.pth")));
        File.Copy(folder.At("tree", "b", "model_config.yaml"), folder.At("tree", "model_config.yaml"));
        File.WriteAllText(folder.At("tree", "a", "notes.txt"), "notes");
    }

    private string Checkpoint => folder.At("tree", "a", "lit_model.pth");

    [Fact]
    public void A_folder_that_gets_a_checkpoint_takes_over_what_came_along_from_it()
    {
        var checkpoint = TakeAway();
        Assert.Equal("upgraded upgraded", Statuses(Run()));
        File.WriteAllBytes(Checkpoint, checkpoint);

        Assert.Equal("planned", Statuses(Run(request => request with { DryRun = true }).Where(IsOfA)));
        Assert.Equal("skipped upgraded skipped", Statuses(Run()));

        Assert.Equal(["a/lit_model.pth", "a/model_config.yaml", "a/notes.txt", "b/lit_model.pth", "b/model_config.yaml", "lit_model.pth", "model_config.yaml"], Results());
        AssertOwners(("", 2), ("a", 3), ("b", 2));
        Assert.Equal("skipped skipped skipped", Statuses(Run()));
    }

    [Fact]
    public void What_is_gone_when_it_changes_hands_goes_and_what_somebody_worked_on_stays()
    {
        var checkpoint = TakeAway();
        File.WriteAllText(folder.At("tree", "a", "log.txt"), "log");
        Run();
        File.WriteAllBytes(Checkpoint, checkpoint);
        File.Delete(folder.At("tree", "a", "log.txt"));
        File.AppendAllText(Output("a", "notes.txt"), "mine");

        var refused = Assert.Single(Run(), IsOfA);

        Assert.Equal((Output("a", "notes.txt"), "this is to be made again, but was changed since it was made; --force replaces it"), (refused.Error!.File, refused.Error.Problem));
        File.WriteAllText(Output("a", "notes.txt"), "notes");
        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        Assert.False(File.Exists(Output("a", "log.txt")));
        AssertOwners(("", 2), ("a", 3), ("b", 2));
    }

    [Fact]
    public void What_a_narrower_run_leaves_out_waits_for_its_own_unit()
    {
        var checkpoint = TakeAway();
        Run();
        File.WriteAllBytes(Checkpoint, checkpoint);

        Assert.Equal("skipped skipped", Statuses(Run(selection: new CheckpointSelection([], ["a"]))));

        Assert.Equal("notes", File.ReadAllText(Output("a", "notes.txt")));
        AssertOwners(("", 2), ("b", 2));
        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        AssertOwners(("", 2), ("a", 3), ("b", 2));
    }

    [Fact]
    public void A_folder_that_loses_its_last_checkpoint_is_of_the_unit_above_again()
    {
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run()));
        var checkpoint = TakeAway();
        File.Delete(Output("a", "lit_model.pth"));

        Assert.Equal("upgraded skipped", Statuses(Run()));

        Assert.Equal(["a/model_config.yaml", "a/notes.txt", "b/lit_model.pth", "b/model_config.yaml", "lit_model.pth", "model_config.yaml"], Results());
        AssertOwners(("", 4), ("b", 2));
        File.WriteAllBytes(Checkpoint, checkpoint);
        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        AssertOwners(("", 2), ("a", 3), ("b", 2));
    }

    [Fact]
    public void Where_another_run_has_the_turn_nothing_is_removed_behind_its_back()
    {
        var checkpoint = TakeAway();
        Run();
        File.WriteAllBytes(Checkpoint, checkpoint);
        File.SetLastWriteTimeUtc(folder.At("tree", "model_config.yaml"), DateTime.UnixEpoch);
        using (new OutputAccount(Output()).TakeTurn("a", Output("a")))
        {
            Assert.Equal("upgraded refused skipped", Statuses(Run()));
            Assert.Equal("notes", File.ReadAllText(Output("a", "notes.txt")));
        }

        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        AssertOwners(("", 2), ("a", 3), ("b", 2));
    }

    private byte[] TakeAway()
    {
        var checkpoint = File.ReadAllBytes(Checkpoint);
        File.Delete(Checkpoint);
        return checkpoint;
    }

    private bool IsOfA(CheckpointReport report) => report.Path == Checkpoint;

    /// <summary>Each result stands in one entry, with its checksum.</summary>
    private void AssertOwners(params (string Unit, int Results)[] expected)
    {
        var entries = new OutputAccount(Output()).Entries.ReadAll().Where(entry => entry.Result.Count > 0).OrderBy(entry => entry.Path, StringComparer.Ordinal);
        Assert.Equal(expected, entries.Select(entry => (entry.Path, entry.Result.Count)));
        AssertSumsHold();
        Assert.Equal(expected.Sum(unit => unit.Results), File.ReadLines(Output("SHA256SUMS")).Count());
    }
}
