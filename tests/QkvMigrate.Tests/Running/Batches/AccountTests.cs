using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Support;
using QkvMigrate.Tests.Verification;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>What an output's account lets a run do: per source, per direction, per file.</summary>
public sealed class AccountTests : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public AccountTests()
    {
        Make("tree", "a");
        Make("tree", "b");
    }

    public void Dispose() => folder.Dispose();

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
        var record = new OutputRecord(Output());
        using (record.TakeTurn("a", Output("a")))
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
        var record = new OutputRecord(Output());
        var entry = record.Entries.Read("a")!;
        var old = File.ReadAllBytes(Output("a", "lit_model.pth"));
        File.WriteAllText(Output("a", "lit_model.pth"), "made by the killed run");
        record.Entries.Write(entry with
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

    [Fact]
    public void A_tree_that_lost_its_branches_keeps_its_account()
    {
        Make("tree", "");
        Run();
        Directory.Delete(folder.At("tree", "a"), recursive: true);
        Directory.Delete(folder.At("tree", "b"), recursive: true);
        Assert.Equal("skipped refused refused", Statuses(Run()));
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
    public void Checksums_of_the_users_own_in_the_output_are_not_replaced()
    {
        Directory.CreateDirectory(Output());
        File.WriteAllText(Output("SHA256SUMS"), "mine");

        Assert.Equal((FailureKind.Target, Output("SHA256SUMS")), Assert.Single(Run().Select(report => (report.Error!.Kind, report.Error.File))));
        Assert.Equal(["SHA256SUMS"], WorkFolder.Snapshot(Output()).Keys);
        Assert.Equal("upgraded upgraded", Statuses(Run(request => request with { Force = true })));
        AssertSumsHold();
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

    private static string Statuses(IEnumerable<CheckpointReport> reports) => string.Join(' ', reports.Select(report => report.Status)).ToLowerInvariant();

    private static IEnumerable<KeyValuePair<string, string>> WithoutReports(IEnumerable<KeyValuePair<string, string>> files) =>
        files.Where(file => !file.Key.StartsWith(".qkvmigrate/reports/", StringComparison.Ordinal) && file.Key != ".qkvmigrate/tree.json");

    private void Make(string tree, string model, int step = 12000)
    {
        Directory.CreateDirectory(folder.At(tree, model));
        File.WriteAllBytes(folder.At(tree, model, "lit_model.pth"), (LegacyModel.Legacy with { Step = step }).ToFile());
        File.WriteAllText(folder.At(tree, model, "model_config.yaml"), Configuration);
    }

    private IReadOnlyList<CheckpointReport> Run(Func<MigrationRequest, MigrationRequest>? change = null, string source = "tree", CheckpointSelection? selection = null, EndedAtOnce? ended = null)
    {
        var request = new MigrationRequest { Path = folder.At(source), Output = Output(), Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], new BatchOptions { Selection = selection ?? CheckpointSelection.All, Observer = ended }, ended?.Token ?? TestContext.Current.CancellationToken);
    }

    private IReadOnlyList<VerificationReport> Verify() =>
        PathVerifier.Run(folder.At("tree"), Output(), CheckpointSelection.All, new GeometryFlags(), VerificationMode.Full, TestContext.Current.CancellationToken);

    private IEnumerable<string> Results() => WorkFolder.Snapshot(Output()).Keys.Where(name => !name.StartsWith(".qkvmigrate/", StringComparison.Ordinal) && name != "SHA256SUMS");

    /// <summary>What <c>sha256sum -c</c> does.</summary>
    private void AssertSumsHold()
    {
        foreach (var line in File.ReadLines(Output("SHA256SUMS")))
        {
            Assert.Equal(line[..64], WorkFolder.Sha256(Output(line[66..])), ignoreCase: true);
        }
    }

    private string Output(params string[] names) => folder.At(["out", .. names]);
}
