using QkvMigrate.Files;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>What becomes of results whose source changed its kind, lost a file, or is gone.</summary>
public sealed class AccountOfLostSourcesTests : AccountedTree
{
    /// <summary>A killed run leaves a lock's file beside it; a power cut may take that.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void What_a_killed_run_left_of_a_unit_that_no_run_finished_goes_though_the_unit_is_gone(bool hasLock, bool isWithin)
    {
        var source = folder.At("tree", "x", "u");
        Directory.CreateDirectory(source);
        File.Copy(folder.At("tree", "a", "lit_model.pth"), Path.Combine(source, "lit_model.pth"));
        File.Copy(folder.At("tree", "a", "model_config.yaml"), Path.Combine(source, "model_config.yaml"));
        Run();
        var target = Output("x", "u");
        new OutputAccount(Output()).Forget(Path.Combine("x", "u"));
        Directory.Delete(target, recursive: true);
        var above = isWithin ? Directory.CreateDirectory(target).FullName : Output("x");
        var begun = Directory.CreateDirectory(Path.Combine(above, TemporaryName.For(target))).FullName;
        File.WriteAllText(Path.Combine(begun, "lit_model.pth"), "a part of it");
        if (hasLock)
        {
            File.WriteAllText(TemporaryName.LockFor(target), "1\n");
        }

        Directory.Delete(folder.At("tree", "x"), recursive: true);

        Assert.Equal("skipped skipped", Statuses(Run()));

        Assert.Equal(isWithin ? [target] : [], Directory.EnumerateFileSystemEntries(Output("x"), "*", SearchOption.AllDirectories));
        AssertSumsHold();
    }

    [Fact]
    public void A_users_own_file_is_not_replaced_when_the_source_gains_one_of_its_name()
    {
        Run();
        File.WriteAllText(Output("a", "notes.txt"), "mine");
        File.WriteAllText(folder.At("tree", "a", "notes.txt"), "the source's");

        var refused = Run()[0];

        Assert.Equal((CheckpointStatus.Refused, Output("a", "notes.txt"), "the output exists already; --force replaces it"), (refused.Status, refused.Error!.File, refused.Error.Problem));
        Assert.Equal("mine", File.ReadAllText(Output("a", "notes.txt")));
        Assert.Equal("refused upgraded", Statuses(BatchReport.Read(Output())));
        AssertSumsHold();

        Assert.Equal("upgraded upgraded", Statuses(Run(request => request with { Force = true })));
        Assert.Equal("the source's", File.ReadAllText(Output("a", "notes.txt")));
    }

    [Fact]
    public void A_result_of_a_source_that_became_sequential_goes()
    {
        Run();
        File.WriteAllText(Output("a", "notes.txt"), "mine");
        File.Copy(Output("a", "lit_model.pth"), folder.At("tree", "a", "lit_model.pth"), overwrite: true);
        Assert.Equal("pending upgraded", Statuses(BatchReport.Read(Output())));

        var reports = Run();

        Assert.Equal("unchanged skipped", Statuses(reports));
        Assert.Equal("result-removed", Assert.Single(reports[0].Advice, advice => advice.Code.StartsWith("result", StringComparison.Ordinal)).Code);
        Assert.Equal(["a/notes.txt", "b/lit_model.pth", "b/model_config.yaml"], Results());
        Assert.Equal("unchanged upgraded", Statuses(BatchReport.Read(Output())));
        AssertSumsHold();
        File.Delete(Output("a", "notes.txt"));
        Directory.Delete(Output("a"));
        Assert.All(Verify(), report => Assert.True(report.IsVerified), throwIfEmpty: true);
    }

    [Fact]
    public void A_result_that_somebody_worked_on_does_not_go()
    {
        Run();
        File.Copy(Output("a", "lit_model.pth"), folder.At("tree", "a", "lit_model.pth"), overwrite: true);
        File.AppendAllText(Output("a", "model_config.yaml"), "# precious\n");

        var refused = Run()[0];

        Assert.Equal((CheckpointStatus.Refused, Output("a", "model_config.yaml"), "the source no longer makes this, but it was changed since it was made; --force removes it"), (refused.Status, refused.Error!.File, refused.Error.Problem));
        Assert.True(File.Exists(Output("a", "lit_model.pth")));
        Assert.Equal("unchanged upgraded", Statuses(Run(request => request with { Force = true })));
        Assert.False(Directory.Exists(Output("a")));
    }

    [Fact]
    public void What_was_taken_out_beside_a_checkpoint_goes()
    {
        File.WriteAllText(folder.At("tree", "a", "tokenizer.json"), "{}");
        Directory.CreateDirectory(folder.At("tree", "a", "logs"));
        File.WriteAllText(folder.At("tree", "a", "logs", "one"), "1");
        Run();
        File.Delete(folder.At("tree", "a", "tokenizer.json"));
        Directory.Delete(folder.At("tree", "a", "logs"), recursive: true);
        Assert.Equal("pending upgraded", Statuses(BatchReport.Read(Output())));

        Assert.Equal("upgraded skipped", Statuses(Run()));

        Assert.Equal(["a/lit_model.pth", "a/model_config.yaml", "b/lit_model.pth", "b/model_config.yaml"], Results());
        Assert.False(Directory.Exists(Output("a", "logs")));
        AssertSumsHold();
        Assert.All(Verify(), report => Assert.True(report.IsVerified), throwIfEmpty: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_result_of_a_checkpoint_that_is_gone_stays_and_is_told(bool isWholeUnit)
    {
        File.WriteAllBytes(folder.At("tree", "a", "second.pth"), LegacyModel.Legacy.ToFile());
        Run();
        var digest = WorkFolder.Sha256(Output("a", "second.pth"));
        File.Delete(folder.At("tree", "a", "second.pth"));
        if (isWholeUnit)
        {
            Directory.Delete(folder.At("tree", "a"), recursive: true);
        }

        for (var i = 0; i < 2; i++)
        {
            var refused = Assert.Single(Run(), report => report.Path.EndsWith("second.pth", StringComparison.Ordinal));
            Assert.Equal((CheckpointStatus.Refused, Output("a", "second.pth")), (refused.Status, refused.Error!.File));
            Assert.Equal(isWholeUnit ? "refused refused upgraded" : "upgraded refused upgraded", Statuses(BatchReport.Read(Output())));
            Assert.Equal(digest, WorkFolder.Sha256(Output("a", "second.pth")));
            AssertSumsHold();
        }

        File.AppendAllText(folder.At("tree", "b", "model_config.yaml"), "# a remark\n");
        Run();
        Assert.Equal(digest, WorkFolder.Sha256(Output("a", "second.pth")));

        File.Delete(Output("a", "second.pth"));
        if (isWholeUnit)
        {
            File.Delete(Output("a", "lit_model.pth"));
        }

        Assert.Equal(isWholeUnit ? "skipped" : "skipped skipped", Statuses(Run()));
        Assert.DoesNotContain(BatchReport.Read(Output()), report => report.Error is not null);
        AssertSumsHold();
    }

    [Fact]
    public void Force_lets_go_of_the_result_of_a_checkpoint_that_is_gone()
    {
        Run();
        Directory.Delete(folder.At("tree", "a"), recursive: true);

        Assert.Equal("upgraded unchanged", Statuses(Run(request => request with { Force = true })));

        Assert.True(File.Exists(Output("a", "lit_model.pth")));
        Assert.Equal("upgraded", Statuses(BatchReport.Read(Output())));
        Assert.Equal("skipped", Statuses(Run()));
        AssertSumsHold();
    }

    [Fact]
    public void A_tree_that_lost_its_branches_keeps_its_account()
    {
        Make("tree", "");
        Run();
        Directory.Delete(folder.At("tree", "a"), recursive: true);
        Directory.Delete(folder.At("tree", "b"), recursive: true);
        Assert.Equal("skipped refused refused", Statuses(Run()));
    }

    /// <summary>As git-annex and caches leave a link when they drop the content.</summary>
    [Theory]
    [InlineData("link", true)]
    [InlineData("link", false)]
    [InlineData("folder", true)]
    [InlineData("folder", false)]
    [InlineData("folder with a file", true)]
    public void A_checkpoint_whose_place_something_else_has_taken_is_gone(string other, bool hasSecond)
    {
        if (hasSecond)
        {
            File.Copy(folder.At("tree", "a", "lit_model.pth"), folder.At("tree", "a", "second.pth"));
        }

        Run();
        var (source, result) = (folder.At("tree", "a", "lit_model.pth"), Output("a", "lit_model.pth"));
        var digest = WorkFolder.Sha256(result);
        File.Delete(source);
        if (other == "link")
        {
            File.CreateSymbolicLink(source, "../.git/annex/objects/dropped");
        }
        else
        {
            Directory.CreateDirectory(source);
        }

        if (other == "folder with a file")
        {
            File.WriteAllText(Path.Combine(source, "notes.txt"), "notes");
        }

        Assert.Contains(BatchReport.Read(Output()), report => report.Error is not null);
        Assert.Contains(Run(), report => report.Error is not null);
        Assert.Equal(digest, WorkFolder.Sha256(result));
        Assert.Contains(BatchReport.Read(Output()), report => report.Error is not null);
        Assert.Contains(Run(), report => report.Error is not null);
        Assert.Equal(digest, WorkFolder.Sha256(result));
    }

    [Fact]
    public void What_came_along_with_results_that_the_user_removed_goes_with_them()
    {
        File.WriteAllText(folder.At("tree", "a", "notes.txt"), "notes");
        File.WriteAllText(folder.At("tree", "a", "mine.txt"), "first");
        Run();
        Directory.Move(folder.At("tree", "a"), folder.At("away"));
        File.Delete(Output("a", "lit_model.pth"));
        File.WriteAllText(Output("a", "mine.txt"), "worked on");

        Assert.Equal("skipped", Statuses(Run()));
        Assert.Equal(["a/mine.txt", "b/lit_model.pth", "b/model_config.yaml"], Results().Order(StringComparer.Ordinal));

        File.Delete(Output("a", "mine.txt"));
        Directory.Move(folder.At("away"), folder.At("tree", "a"));
        Assert.Equal("upgraded skipped", Statuses(Run()));
        AssertSumsHold();
    }

    [Fact]
    public void What_came_along_with_a_directory_and_is_that_of_the_one_above_now_stays()
    {
        File.WriteAllText(folder.At("tree", "a", "notes.txt"), "notes");
        Run();
        Make("tree", "");
        File.Delete(folder.At("tree", "a", "lit_model.pth"));
        Directory.Delete(Output("a"), recursive: true);

        Assert.DoesNotContain(Run(), report => report.Error is not null);
        Assert.Equal("notes", File.ReadAllText(Output("a", "notes.txt")));
        Assert.Equal("skipped skipped", Statuses(Run()));
        AssertSumsHold();
    }
}
