using QkvMigrate.Geometry;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>What the manifest makes of runs over a tree that follow each other.</summary>
public sealed class TreeMigrationTests : TreeOfThree
{
    [Fact]
    public void What_is_finished_is_skipped_and_not_touched()
    {
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run()));
        var before = Files();

        var again = Run();

        Assert.Equal("skipped skipped skipped", Statuses(again));
        Assert.All(again, report => Assert.Equal("finished-before", Assert.Single(report.Advice).Code), throwIfEmpty: true);
        Assert.All(again, report => Assert.Equal(WorkFolder.Sha256(report.Output!), report.OutputSha256, ignoreCase: true), throwIfEmpty: true);
        Assert.Equal(before, Files());
    }

    [Fact]
    public void Force_does_it_all_again()
    {
        Run();
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run(request => request with { Force = true })));
    }

    [Fact]
    public void A_source_that_changed_is_done_again_alone()
    {
        Run();
        File.AppendAllText(Source("a", "model_config.yaml"), "# a remark\n");

        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        Assert.Contains("# a remark", File.ReadAllText(Output("a", "model_config.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_with_the_same_size_and_time_but_another_directory_is_done_again()
    {
        Run();
        var path = Source("a", "lit_model.pth");
        var time = File.GetLastWriteTimeUtc(path);
        var bytes = File.ReadAllBytes(path);
        var start = bytes.AsSpan().LastIndexOf("lm_head.weight"u8);
        "LM_head.weight"u8.CopyTo(bytes.AsSpan(start));
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, time);

        var reports = Run();

        Assert.Equal("skipped refused skipped", Statuses(reports));
        Assert.StartsWith("the bytes do not have the checksum that the zip gives", reports[1].Error!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_options_are_other_work_and_less_proof_is_not()
    {
        Run();
        Assert.Equal("skipped skipped skipped", Statuses(Run(request => request with { Verification = null })));
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run(request => request with { Verification = VerificationMode.Full })));
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run(request => request with { Verification = VerificationMode.Full, Geometry = new GeometryFlags(HeadSize: 4) })));
    }

    [Fact]
    public void A_result_that_is_gone_is_made_again()
    {
        Run();
        File.Delete(Output("a", "lit_model.pth"));
        Assert.Equal("skipped upgraded skipped", Statuses(Run()));
        Assert.True(File.Exists(Output("a", "lit_model.pth")));
    }

    [Fact]
    public void A_result_that_somebody_worked_on_is_not_replaced()
    {
        Run();
        File.AppendAllText(Source("a", "model_config.yaml"), "# a remark\n");
        File.AppendAllText(Output("a", "lit_model.pth"), "precious");

        var refused = Run()[1];

        Assert.Equal(CheckpointStatus.Refused, refused.Status);
        Assert.Equal((FailureKind.Target, Output("a", "lit_model.pth")), (refused.Error!.Kind, refused.Error.File));
        Assert.Equal("this is to be made again, but was changed since it was made; --force replaces it", refused.Error.Problem);
        Assert.EndsWith("precious", File.ReadAllText(Output("a", "lit_model.pth")), StringComparison.Ordinal);
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run(request => request with { Force = true })));
    }

    [Fact]
    public void A_file_of_somebody_else_is_not_replaced_and_the_others_have_their_turn()
    {
        Directory.CreateDirectory(Output("a"));
        File.WriteAllText(Output("a", "model_config.yaml"), "precious");

        var reports = Run();

        Assert.Equal("upgraded refused upgraded", Statuses(reports));
        Assert.Equal("the output exists already; --force replaces it", reports[1].Error!.Problem);
        Assert.Equal("precious", File.ReadAllText(Output("a", "model_config.yaml")));
    }

    [Fact]
    public void Units_below_may_be_written_first()
    {
        File.Delete(Source("", "model_config.yaml"));
        File.Delete(Source("a", "model_config.yaml"));
        Assert.Equal("refused refused upgraded", Statuses(Run()));

        File.WriteAllText(Source("", "model_config.yaml"), Configuration);
        File.WriteAllText(Source("a", "model_config.yaml"), Configuration);
        Assert.Equal("upgraded upgraded skipped", Statuses(Run()));
        Assert.All(Verify(), report => Assert.True(report.IsVerified), throwIfEmpty: true);
    }

    [Fact]
    public void Several_jobs_write_what_one_writes()
    {
        Run();
        var one = WorkFolder.Snapshot(Output(""));
        Directory.Delete(Output(""), recursive: true);

        Run(options: new BatchOptions { Jobs = 3 });

        Assert.Equal(WithoutReports(one), WithoutReports(WorkFolder.Snapshot(Output(""))));
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_knows_what_is_finished()
    {
        Assert.Equal("planned planned planned", Statuses(Run(request => request with { DryRun = true })));
        Assert.False(Directory.Exists(Output("")));
        Run();
        Assert.Equal("skipped skipped skipped", Statuses(Run(request => request with { DryRun = true })));
    }

    [Fact]
    public void In_place_leaves_no_record()
    {
        Assert.Equal("upgraded upgraded upgraded", Statuses(Run(request => request with { Output = null, InPlace = true })));
        Assert.Equal("unchanged unchanged unchanged", Statuses(Run(request => request with { Output = null, InPlace = true })));
        Assert.Equal(6, Directory.EnumerateFiles(Source(""), "*", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public void A_record_that_is_none_is_told()
    {
        Run();
        var entry = Directory.EnumerateFiles(Output(".qkvmigrate", "manifest")).Order().First();
        File.WriteAllText(entry, "{}");

        var error = Assert.Single(Run(), report => report.Status == CheckpointStatus.Refused).Error!;

        Assert.Equal((FailureKind.Malformed, entry), (error.Kind, error.File));
        Assert.Equal("this is no record of qkvmigrate: it is not JSON of the form that is expected; remove the file to have the work done again", error.Problem);
    }

    [Fact]
    public void An_unchanged_unit_has_no_output_and_the_tree_verifies()
    {
        Run();
        File.Copy(Output("a", "lit_model.pth"), Source("a", "lit_model.pth"), overwrite: true);
        Directory.Delete(Output(""), recursive: true);

        Assert.Equal("upgraded unchanged upgraded", Statuses(Run()));

        Assert.False(File.Exists(Output("a", "lit_model.pth")));
        Directory.Delete(Source("a/inner"), recursive: true);
        Directory.Delete(Output("a"), recursive: true);
        var reports = Verify();
        Assert.Equal([true, true, false], reports.Select(report => report.IsVerified));

        // What the records of the unit that is gone say of its result is no longer so.
        Assert.All(
            reports[2].Differences,
            difference => Assert.Matches("^record '[^']+': it names the result 'a/inner/[a-z_.]+', which is not there as it says$", difference.ToString()),
            throwIfEmpty: true);
    }

    [Fact]
    public void A_legacy_unit_that_has_no_output_does_not_verify()
    {
        Run();
        Directory.Delete(Output("a"), recursive: true);

        var reports = Verify();

        Assert.Equal([false, false, true, false], reports.OrderByDescending(report => report.Original.Length).Select(report => report.IsVerified));
        Assert.Equal("file: it is not in the second directory", Assert.Single(reports[0].Differences).ToString());
        Assert.Equal(["a/inner/model_config.yaml", "a/model_config.yaml"], reports[3].Differences.Select(difference => difference.ToString().Split('\'')[3]));
    }

    [Fact]
    public void An_output_that_cannot_be_made_is_one_failure_and_the_next_path_has_its_turn()
    {
        File.WriteAllText(Output(""), "a file");
        var request = new MigrationRequest { Path = Source(""), Output = Output(""), Direction = MigrationDirection.Upgrade, Engine = () => engine };
        Directory.CreateDirectory(folder.At("other"));
        File.Copy(Source("a", "lit_model.pth"), folder.At("other", "lit_model.pth"));
        File.Copy(Source("a", "model_config.yaml"), folder.At("other", "model_config.yaml"));
        var other = new MigrationRequest { Path = folder.At("other", "lit_model.pth"), Direction = MigrationDirection.Upgrade, Engine = () => engine };

        var reports = Migrator.Run([request, other], new BatchOptions(), TestContext.Current.CancellationToken);

        Assert.Equal("upgraded failed", Statuses(reports));
        Assert.Equal((Source(""), FailureKind.Io), (reports[1].Path, reports[1].Error!.Kind));
        Assert.Equal("a file", File.ReadAllText(Output("")));
    }
}
