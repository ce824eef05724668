using QkvMigrate.Folders;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>What an output's account lets a run do: per source, per direction, per file.</summary>
public sealed class AccountTests : AccountedTree
{
    [Fact]
    public void Another_source_needs_another_output_or_force()
    {
        Run();
        Make("other", "a", step: 7);
        Make("other", "c", step: 7);
        var before = WorkFolder.Snapshot(Output());

        var refused = Assert.Single(Run(source: "other"));

        Assert.Equal((FailureKind.Target, folder.At("out")), (refused.Error!.Kind, refused.Error.File));
        Assert.Equal($"the output holds the upgrade of {folder.At("tree")}, and this would be the upgrade of {folder.At("other")}; name another output, or --force replaces its results", refused.Error.Problem);
        Assert.Equal("refused", Statuses(Run(change: request => request with { DryRun = true }, source: "other")));
        Assert.Equal(before, WorkFolder.Snapshot(Output()));

        Assert.Equal("upgraded upgraded unchanged", Statuses(Run(request => request with { Force = true }, source: "other")));
        Assert.Equal("skipped skipped", Statuses(Run(source: "other")));
        AssertSumsHold();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("a/lit_model.pth")]
    public void Results_are_not_changed_in_place_without_force(string path)
    {
        Run();
        var before = WorkFolder.Snapshot(Output());
        MigrationRequest InPlace(MigrationRequest request) => request with { Path = Path.TrimEndingDirectorySeparator(folder.At("out", path)), Output = null, InPlace = true, Direction = MigrationDirection.Downgrade };

        var refused = Assert.Single(Run(InPlace));

        Assert.Equal(FailureKind.Target, refused.Error!.Kind);
        Assert.Equal($"this is a result in {folder.At("out")}, whose record and SHA256SUMS would not be true any more; -o puts the result elsewhere, --force goes on all the same", refused.Error.Problem);
        Assert.Equal(before, WorkFolder.Snapshot(Output()));
        Assert.All(Run(request => InPlace(request) with { Force = true }), report => Assert.Equal(CheckpointStatus.Downgraded, report.Status), throwIfEmpty: true);
        Assert.NotEqual(before, WorkFolder.Snapshot(Output()));
    }

    [Fact]
    public void The_other_direction_needs_another_output_or_force()
    {
        Run();
        File.Copy(Output("a", "lit_model.pth"), folder.At("tree", "a", "lit_model.pth"), overwrite: true);
        var before = WorkFolder.Snapshot(Output());

        var refused = Assert.Single(Run(request => request with { Direction = MigrationDirection.Downgrade }));

        Assert.Equal($"the output holds the upgrade of {folder.At("tree")}, and this would be the downgrade of {folder.At("tree")}; name another output, or --force replaces its results", refused.Error!.Problem);
        Assert.Equal(before, WorkFolder.Snapshot(Output()));
    }

    [Theory]
    [InlineData(MigrationDirection.Upgrade, "\"direction\": \"upgrade\"")]
    [InlineData(MigrationDirection.Downgrade, "\"direction\": \"downgrade\"")]
    public void Records_have_the_users_word_for_the_direction(MigrationDirection direction, string expected)
    {
        if (direction == MigrationDirection.Downgrade)
        {
            using var pair = new VerifiedPair(LegacyModel.Legacy.ToFile(), LegacyModel.Geometry);
            File.WriteAllBytes(folder.At("tree", "a", "lit_model.pth"), pair.Upgraded);
        }

        Run(request => request with { Direction = direction }, selection: new CheckpointSelection(["a"], []));

        var entry = Assert.Single(Directory.GetFiles(Output(".qkvmigrate", "manifest"), "*.json"));
        Assert.Contains(expected, File.ReadAllText(entry), StringComparison.Ordinal);
        Assert.Contains(expected, File.ReadAllText(Output(".qkvmigrate", "tree.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_with_another_word_for_the_direction_is_refused()
    {
        Run();
        var tree = Output(".qkvmigrate", "tree.json");
        File.WriteAllText(tree, File.ReadAllText(tree).Replace("\"direction\": \"upgrade\"", "\"direction\": \"sideways\"", StringComparison.Ordinal));

        Assert.Equal($"{tree}: this is no record of qkvmigrate: it is not JSON of the form that is expected; remove the file to have the work done again", Assert.Single(Run()).Error!.Message);
    }

    /// <summary>What is in the folder is not known then, and not gone.</summary>
    [Fact]
    public void A_folder_whose_record_of_backups_is_damaged_has_its_results_still()
    {
        Run();
        var record = folder.At("tree", "b", ".qkvmigrate-backups");
        File.WriteAllText(record, "nonsense");

        var reports = Run();

        Assert.Equal("skipped refused", Statuses(reports));
        Assert.Equal((FailureKind.Malformed, record), (reports[1].Error!.Kind, reports[1].Error!.File));
    }

    [Fact]
    public void A_source_that_was_moved_or_copied_is_the_same()
    {
        Run();
        Directory.Move(folder.At("tree"), folder.At("moved"));
        Assert.Equal("skipped skipped", Statuses(Run(source: "moved")));

        foreach (var model in new[] { "a", "b" })
        {
            folder.Take(folder.At("moved", model), Path.Combine("copy", model));
        }

        Directory.Delete(folder.At("moved"), recursive: true);
        Assert.DoesNotContain(Run(source: "copy"), report => report.Error is not null);
    }

    [Fact]
    public void Records_of_the_first_version_are_read()
    {
        Run();
        var tree = Output(".qkvmigrate", "tree.json");
        File.WriteAllText(tree, $$"""{"schemaVersion":1,"source":"{{folder.At("tree")}}","units":[{"path":"a","bytes":1},{"path":"b","bytes":1}]}""");
        foreach (var entry in Directory.GetFiles(Output(".qkvmigrate", "manifest")))
        {
            var text = File.ReadAllText(entry).Replace("\"schemaVersion\": 2", "\"schemaVersion\": 1", StringComparison.Ordinal).Replace(",\n  \"replaced\": null", "", StringComparison.Ordinal);
            File.WriteAllText(entry, string.Join('\n', text.Replace("\",\n      \"source\": \"lit_model.pth\"", "\"", StringComparison.Ordinal).Replace("\",\n      \"source\": null", "\"", StringComparison.Ordinal)));
            Assert.DoesNotContain("\"source\": \"", File.ReadAllText(entry), StringComparison.Ordinal);
        }

        Assert.Equal("upgraded upgraded", Statuses(BatchReport.Read(Output())));
        Assert.Equal("skipped skipped", Statuses(Run()));
        Assert.Equal("refused", Statuses(Run(request => request with { Direction = MigrationDirection.Downgrade })));
    }

    [Fact]
    public void Without_its_tree_an_account_is_what_its_entries_say()
    {
        Run();
        Make("other", "a", step: 7);
        Make("other", "b", step: 8);
        File.Delete(Output(".qkvmigrate", "tree.json"));
        var before = WorkFolder.Snapshot(Output());

        Assert.Equal(FailureKind.Target, Assert.Single(Run(source: "other")).Error!.Kind);
        Assert.Equal(FailureKind.Target, Assert.Single(Run(request => request with { Direction = MigrationDirection.Downgrade })).Error!.Kind);
        Assert.Equal(before, WorkFolder.Snapshot(Output()));
        Assert.Equal("skipped skipped", Statuses(Run()));
    }

    [Fact]
    public void Checksums_of_the_users_own_in_the_output_are_not_replaced()
    {
        Directory.CreateDirectory(Output());
        File.WriteAllText(Output("SHA256SUMS"), "mine");

        Assert.Equal((FailureKind.Target, Output("SHA256SUMS")), Assert.Single(Run().Select(report => (report.Error!.Kind, report.Error.File))));
        Assert.Equal(["SHA256SUMS"], WorkFolder.Snapshot(Output()).Keys);
        Assert.Equal("upgraded upgraded", Statuses(Run(request => request with { Force = true })));
        AssertSumsHold();
    }
}
