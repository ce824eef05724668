using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>Runs over parts of a tree, runs that fail and runs that are killed keep one account together.</summary>
public sealed class AccountOfSeveralRunsTests : AccountedTree
{
    [Fact]
    public void Narrower_runs_add_to_the_account()
    {
        File.WriteAllBytes(folder.At("tree", "a", "second.pth"), LegacyModel.Legacy.ToFile());
        var everything = Statuses(Run());
        var results = WorkFolder.Snapshot(Output());
        Directory.Delete(Output(), recursive: true);

        foreach (var (pattern, expected) in new[] { ("lit_model.pth", "upgraded upgraded"), ("second.pth", "upgraded upgraded upgraded"), ("lit_model.pth", "upgraded upgraded upgraded"), ("b", "upgraded upgraded upgraded") })
        {
            Assert.DoesNotContain(Run(selection: new CheckpointSelection([pattern], [])), report => report.Error is not null);
            Assert.Equal(expected, Statuses(BatchReport.Read(Output())).Replace("skipped", "upgraded", StringComparison.Ordinal));
            AssertSumsHold();
        }

        Assert.Equal("upgraded upgraded upgraded", everything);
        Assert.Equal("skipped skipped skipped", Statuses(Run()));
        Assert.Equal(WithoutReports(results), WithoutReports(WorkFolder.Snapshot(Output())));
    }

    [Fact]
    public void What_a_wider_run_was_asked_for_stays_pending()
    {
        File.WriteAllBytes(folder.At("tree", "a", "second.pth"), LegacyModel.Legacy.ToFile());
        using (var ended = new EndedAtOnce())
        {
            Run(ended: ended);
        }

        Run(selection: new CheckpointSelection(["a/lit_model.pth"], []));

        Assert.Equal("upgraded pending pending", Statuses(BatchReport.Read(Output())));
    }

    [Fact]
    public void Who_has_not_the_units_turn_does_not_write_down_what_became_of_it()
    {
        Run();
        var account = new OutputAccount(Output());
        using (account.TakeTurn("a", Output("a")))
        {
            Assert.Equal("refused skipped", Statuses(Run()));
            Assert.Equal("refused upgraded", Statuses(Run(request => request with { Force = true })));
        }

        Assert.Equal("upgraded upgraded", Statuses(BatchReport.Read(Output())));
    }

    [Fact]
    public void A_run_that_failed_leaves_the_output_as_it_was()
    {
        Run();
        var before = WithoutReports(WorkFolder.Snapshot(Output()));
        var time = File.GetLastWriteTimeUtc(folder.At("tree", "a", "lit_model.pth"));
        File.SetLastWriteTimeUtc(folder.At("tree", "a", "lit_model.pth"), time.AddHours(1));

        Assert.Equal("failed skipped", Statuses(Run(request => request with { Engine = () => throw new MigrationException(FailureKind.Io, "no engine") })));

        Assert.Equal(before, WithoutReports(WorkFolder.Snapshot(Output())));
        AssertSumsHold();
    }

    /// <summary>A run that is killed while files get their names has some of the old and some of the new: both are this tool's.</summary>
    [Fact]
    public void A_kill_between_the_names_is_taken_up()
    {
        Run();
        var undisturbed = WithoutReports(WorkFolder.Snapshot(Output()));
        var account = new OutputAccount(Output());
        var entry = account.Entries.Read("a")!;
        var old = File.ReadAllBytes(Output("a", "lit_model.pth"));
        File.WriteAllText(Output("a", "lit_model.pth"), "made by the killed run");
        account.Entries.Write(entry with
        {
            State = ManifestState.Writing,
            Replaced = [.. entry.Result, new ResultFile("gone.txt", 4, FileDigest.Of("gone"u8))],
            Result = [.. entry.Result.Where(file => file.Source is null), new ResultFile("lit_model.pth", 22, FileDigest.Of("made by the killed run"u8), "lit_model.pth")],
        });
        File.WriteAllText(Output("a", "gone.txt"), "gone");
        File.Delete(Output("SHA256SUMS"));
        Assert.Equal("pending upgraded", Statuses(BatchReport.Read(Output())));

        Assert.Equal("upgraded skipped", Statuses(Run()));

        Assert.Equal(old, File.ReadAllBytes(Output("a", "lit_model.pth")));
        Assert.Equal(undisturbed, WithoutReports(WorkFolder.Snapshot(Output())));
    }

    [Fact]
    public void The_report_is_held_against_the_disk()
    {
        Run();
        File.AppendAllText(Output("a", "model_config.yaml"), "x");
        File.Delete(Output("b", "lit_model.pth"));

        var reports = BatchReport.Read(Output());

        Assert.Equal("pending pending", Statuses(reports));
        Assert.Equal("the result is gone; a run makes it again", reports[1].Error!.Problem);
        Assert.Equal(Output("a", "model_config.yaml"), reports[0].Error!.File);
    }
}
