using QkvMigrate.Files;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>The report of a tree tells what each unit last came to, also where a run was killed.</summary>
public sealed class BatchReportTests : TreeOfThree
{
    [Fact]
    public void The_report_tells_what_each_unit_last_came_to()
    {
        File.Delete(Source("a", "model_config.yaml"));
        Run(options: new BatchOptions { Part = Part(1, 2) });
        Assert.Equal("upgraded refused pending", Statuses(BatchReport.Read(Output(""))));

        Run(options: new BatchOptions { Part = Part(2, 2) });
        var report = BatchReport.Read(Output(""));
        Assert.Equal("upgraded refused upgraded", Statuses(report));
        Assert.Equal(Run()[1].Error!.Message, report[1].Error!.Message);

        File.WriteAllText(Source("a", "model_config.yaml"), Configuration);
        var last = Run()[1];
        report = BatchReport.Read(Output(""));
        Assert.Equal("upgraded upgraded upgraded", Statuses(report));
        Assert.Equal((last.OutputSha256, last.Geometry, last.Changes, last.Elapsed), (report[1].OutputSha256, report[1].Geometry, report[1].Changes, report[1].Elapsed));
    }

    [Fact]
    public void The_digests_of_a_full_verification_are_kept()
    {
        var reports = Run(request => request with { Verification = VerificationMode.Full });
        Assert.All(reports, report => Assert.Equal(WorkFolder.Sha256(report.Path), report.SourceSha256, ignoreCase: true), throwIfEmpty: true);
        Assert.All(reports, report => Assert.Equal(WorkFolder.Sha256(report.Output!), report.OutputSha256, ignoreCase: true), throwIfEmpty: true);
        Assert.Equal(
            reports.Select(report => (report.SourceSha256, report.OutputSha256)),
            BatchReport.Read(Output("")).Select(report => (report.SourceSha256, report.OutputSha256)));
    }

    /// <summary>Where descriptors are few, .NET's runtime says so when a thread is started: a timer's, for example.</summary>
    [Fact]
    public void A_lack_of_threads_or_memory_fails_that_unit_alone()
    {
        var refusals = new Queue<Exception>([new InsufficientMemoryException()]);

        var reports = Run(request => request with { Engine = () => refusals.TryDequeue(out var refusal) ? throw refusal : engine });

        Assert.Equal("failed upgraded upgraded", Statuses(reports));
        Assert.Equal(FailureKind.Io, reports[0].Error!.Kind);
        Assert.Equal("skipped skipped upgraded", string.Join(' ', Statuses(Run()).Split(' ').Order(StringComparer.Ordinal)));
        Assert.DoesNotContain(Files(), file => file.Name.Contains("qkvmigrate-tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_killed_run_could_not_report_is_known_from_the_manifest()
    {
        var digests = Run().Select(report => report.OutputSha256).ToList();
        Directory.Delete(Output(".qkvmigrate", "reports"), recursive: true);

        var reports = BatchReport.Read(Output(""));

        Assert.Equal("upgraded upgraded upgraded", Statuses(reports));
        Assert.Equal(digests, reports.Select(report => report.OutputSha256));
        Assert.Equal(Models.Select(model => Output(model, "lit_model.pth")), reports.Select(report => report.Output));
    }

    [Fact]
    public void A_run_that_follows_tells_what_the_killed_one_could_not_and_clears_up_behind_it()
    {
        Run();
        var refusal = BatchReport.Read(Output(""))[1] with { Status = CheckpointStatus.Refused, Error = new MigrationException(FailureKind.Geometry, "mended since") };
        var account = new OutputAccount(Output(""));
        account.Reports.Write(UnitReportRecord.Of("a", [refusal]));
        var lost = Directory.GetFiles(Output(".qkvmigrate", "reports")).Single(file => File.ReadAllText(file).Contains("\"a/inner\"", StringComparison.Ordinal));
        File.Delete(lost);
        string[] leftovers = [TemporaryName.LockFor(lost), Path.Combine(Path.GetDirectoryName(lost)!, TemporaryName.For(lost))];
        Array.ForEach(leftovers, file => File.WriteAllText(file, "1"));

        Assert.Equal("skipped skipped skipped", Statuses(Run()));

        Assert.Equal("upgraded skipped skipped", Statuses(BatchReport.Read(Output(""))));
        Assert.All(leftovers, file => Assert.False(File.Exists(file), file), throwIfEmpty: true);
    }

    [Fact]
    public void Where_no_batch_wrote_there_is_no_report()
    {
        var error = Assert.Throws<MigrationException>(() => BatchReport.Read(folder.Path));
        Assert.Equal("no batch of qkvmigrate has written here: .qkvmigrate/tree.json is missing", error.Problem);
    }
}
