using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running;

/// <summary>Links, and names that are no UTF-8, beside a checkpoint: they come along as they are, or it is said that they do not.</summary>
public sealed class LinksBesideTests : IDisposable
{
    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public LinksBesideTests()
    {
        Directory.CreateDirectory(folder.At("tree", "model", "logs"));
        Write("tree/model/lit_model.pth");
        File.WriteAllText(folder.At("tree", "model", "logs", "day.txt"), "day");
        File.WriteAllText(folder.At("outside.txt"), "outside");
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("model")]
    [InlineData("")]
    public void Links_come_along_as_cp_takes_them(string below)
    {
        Write("tree/other/lit_model.pth");
        Link("dangling", "run-1/nowhere");
        Link("latest-run", "logs");
        Link("today.txt", "logs/day.txt");
        Link("logs/up.txt", "../logs/day.txt");
        Link("outside.txt", "../../outside.txt");
        Link("absolute.txt", folder.At("tree", "model", "logs", "day.txt"));
        Link("away", "/nowhere/at/all");

        Run(folder.At("tree", below), folder.At("out"));
        Run(folder.At("tree", below), folder.At("out"));

        Assert.Equal("run-1/nowhere", Text("dangling"));
        Assert.Equal("logs", Text("latest-run"));
        Assert.Equal("logs/day.txt", Text("today.txt"));
        Assert.Equal("../logs/day.txt", Text("logs/up.txt"));
        Assert.Equal("/nowhere/at/all", Text("away"));
        Assert.Equal((null, "outside"), (Text("outside.txt"), File.ReadAllText(Output("outside.txt"))));
        Assert.Equal((null, "day"), (Text("absolute.txt"), File.ReadAllText(Output("absolute.txt"))));
        Assert.All(Verify(below), report => Assert.True(report.IsVerified, string.Join("; ", report.Differences)), throwIfEmpty: true);

        File.Delete(Output("dangling"));
        File.CreateSymbolicLink(Output("dangling"), "elsewhere");
        Assert.Contains(Verify(below), report => !report.IsVerified);

        string? Text(string name) => new FileInfo(Output(name)).LinkTarget;
        string Output(string name) => folder.At("out", below.Length > 0 ? "" : "model", name);
    }

    [Fact]
    public void What_a_link_leads_to_stays_where_it_is()
    {
        Write("tree/model/below/lit_model.pth");
        Directory.CreateDirectory(folder.At("data", "inner"));
        File.WriteAllText(folder.At("data", "a.txt"), "first");
        File.WriteAllText(folder.At("data", "inner", "b.txt"), "second");
        Link("data", folder.At("data"));
        Link("logs/data", folder.At("data"));

        Run(folder.At("tree"), folder.At("out"));
        File.WriteAllText(folder.At("tree", "model", "notes.txt"), "notes");
        Run(folder.At("tree"), folder.At("out"));

        Assert.Equal(("first", "second"), (File.ReadAllText(folder.At("data", "a.txt")), File.ReadAllText(folder.At("data", "inner", "b.txt"))));
        Assert.Equal(folder.At("data"), new FileInfo(folder.At("out", "model", "data")).LinkTarget);
        Assert.Equal(folder.At("data"), new FileInfo(folder.At("out", "model", "logs", "data")).LinkTarget);
    }

    [Fact]
    public void Two_names_of_one_checkpoint_are_one()
    {
        Link("latest.pth", "lit_model.pth");
        Link("best.pth", "latest.pth");

        Assert.Equal("lit_model.pth", Path.GetFileName(Assert.Single(Run(folder.At("tree", "model"), folder.At("out"))).Path));
        Assert.Equal(("lit_model.pth", "latest.pth"), (new FileInfo(folder.At("out", "latest.pth")).LinkTarget, new FileInfo(folder.At("out", "best.pth")).LinkTarget));
        Assert.Equal(WorkFolder.Sha256(folder.At("out", "lit_model.pth")), WorkFolder.Sha256(folder.At("out", "best.pth")));

        Assert.Equal(CheckpointStatus.Upgraded, Assert.Single(Run(folder.At("tree", "model"), null, request => request with { InPlace = true, BackupSuffix = ".old" })).Status);
        Assert.Equal("lit_model.pth", new FileInfo(folder.At("tree", "model", "latest.pth")).LinkTarget);
        Assert.Equal(WorkFolder.Sha256(folder.At("out", "lit_model.pth")), WorkFolder.Sha256(folder.At("tree", "model", "latest.pth")));
    }

    [Fact]
    public void A_link_to_what_is_left_out_stays_behind()
    {
        Write("tree/model/other.pth");
        Link("latest.pth", "lit_model.pth");
        Run(folder.At("tree", "model"), folder.At("out"), selection: new CheckpointSelection([], ["lit_model.pth"]));
        Assert.Equal(["logs", "model_config.yaml", "other.pth"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_stands_where_a_link_is_to_be_is_not_replaced()
    {
        Write("tree/other/lit_model.pth");
        Link("dangling", "nowhere");
        Directory.CreateDirectory(folder.At("out", "model"));
        File.WriteAllText(folder.At("out", "model", "dangling"), "precious");

        var reports = Run(folder.At("tree"), folder.At("out"));

        Assert.Equal("the output exists already; --force replaces it", Assert.Single(reports, report => report.Error is not null).Error!.Problem);
        Assert.Equal("precious", File.ReadAllText(folder.At("out", "model", "dangling")));
    }

    [Fact]
    public void Links_belong_to_the_account_like_files()
    {
        Write("tree/other/lit_model.pth");
        Link("latest.pth", "lit_model.pth");
        Link("gone", "nowhere");
        Run(folder.At("tree"), folder.At("out"));
        var latest = folder.At("out", "model", "latest.pth");

        File.Delete(folder.At("tree", "model", "latest.pth"));
        Link("latest.pth", "model_config.yaml");
        File.Delete(folder.At("tree", "model", "gone"));
        Assert.Contains(BatchReport.Read(folder.At("out")), report => report.Status == CheckpointStatus.Pending);
        Assert.All(Run(folder.At("tree"), folder.At("out")), report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.Equal("model_config.yaml", new FileInfo(latest).LinkTarget);
        Assert.Null(new FileInfo(folder.At("out", "model", "gone")).LinkTarget);
        Assert.All(BatchReport.Read(folder.At("out")), report => Assert.NotEqual(CheckpointStatus.Pending, report.Status), throwIfEmpty: true);
        Assert.DoesNotContain("latest.pth", File.ReadAllText(folder.At("out", "SHA256SUMS")), StringComparison.Ordinal);

        File.Delete(latest);
        Assert.Contains(BatchReport.Read(folder.At("out")), report => report.Status == CheckpointStatus.Pending);
        File.WriteAllText(latest, "mine");
        File.Delete(folder.At("tree", "model", "latest.pth"));
        Assert.Contains(Run(folder.At("tree"), folder.At("out")), report => report.Error?.File == latest);
        Assert.Equal("mine", File.ReadAllText(latest));
    }

    [Fact]
    public void A_link_to_what_a_narrower_run_leaves_out_is_not_touched()
    {
        Write("tree/model/two.pth");
        Write("tree/other/lit_model.pth");
        Link("latest.pth", "lit_model.pth");
        Run(folder.At("tree"), folder.At("out"));
        var narrow = Run(folder.At("tree"), folder.At("out"), selection: new CheckpointSelection([], ["lit_model.pth"]));
        Assert.Equal(CheckpointStatus.Skipped, Assert.Single(narrow).Status);
        Write("tree/model/two.pth");
        File.SetLastWriteTimeUtc(folder.At("tree", "model", "two.pth"), DateTime.UnixEpoch);
        Run(folder.At("tree"), folder.At("out"), selection: new CheckpointSelection(["two.pth"], []));
        Assert.Equal("lit_model.pth", new FileInfo(folder.At("out", "model", "latest.pth")).LinkTarget);
        Assert.All(BatchReport.Read(folder.At("out")), report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.All(Run(folder.At("tree"), folder.At("out")), report => Assert.Equal(CheckpointStatus.Skipped, report.Status), throwIfEmpty: true);
    }

    [Theory]
    [InlineData("notes.txt", "notes.txt/mine.txt", false)]
    [InlineData("notes.txt", "notes.txt/mine.txt", true)]
    [InlineData("logs/day.txt", "logs", false)]
    [InlineData("logs/day.txt", "logs", true)]
    public void A_folder_is_not_replaced_by_a_file_nor_a_file_by_a_folder(string made, string mine, bool force)
    {
        Write("tree/other/lit_model.pth");
        File.WriteAllText(folder.At("tree", "model", made), "made");
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At("out", "model", mine))!);
        File.WriteAllText(folder.At("out", "model", mine), "mine");

        var reports = Run(folder.At("tree"), folder.At("out"), request => request with { Force = force });

        Assert.Contains(reports, report => report.Error?.Kind == FailureKind.Target);
        Assert.Equal("mine", File.ReadAllText(folder.At("out", "model", mine)));
        Assert.False(File.Exists(folder.At("out", "model", "lit_model.pth")));
    }

    [Fact]
    public void What_becomes_a_folder_in_the_source_becomes_one_in_the_output_and_a_file_again()
    {
        Write("tree/other/lit_model.pth");
        var notes = folder.At("tree", "model", "notes");
        File.WriteAllText(notes, "a file");
        Run(folder.At("tree"), folder.At("out"));
        File.Delete(notes);
        Directory.CreateDirectory(notes);
        File.WriteAllText(Path.Combine(notes, "day.txt"), "in a folder");
        Assert.All(Run(folder.At("tree"), folder.At("out")), report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.Equal("in a folder", File.ReadAllText(folder.At("out", "model", "notes", "day.txt")));
        Directory.Delete(notes, recursive: true);
        File.WriteAllText(notes, "a file again");
        Assert.All(Run(folder.At("tree"), folder.At("out")), report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.Equal("a file again", File.ReadAllText(folder.At("out", "model", "notes")));
    }

    [Fact]
    public void A_name_that_is_no_UTF8_stays_behind_with_a_note_and_a_checkpoint_of_such_a_name_is_an_error()
    {
        Bytes("touch", "model/caf\\351.txt");
        Assert.Equal("name-not-utf8", Assert.Single(Assert.Single(Run(folder.At("tree"), folder.At("out"))).Advice, advice => advice.Code.StartsWith("name", StringComparison.Ordinal)).Code);

        Bytes("touch", "model/mod\\350le.pth");
        Bytes("mkdir", "mod\\350les");
        var failures = Run(folder.At("tree"), folder.At("out2")).Where(report => report.Error is not null).ToList();
        Assert.Equal(2, failures.Count);
        Assert.Equal(0, ChildProcess.Run("/bin/rm", ["-r", folder.At("tree"), folder.At("out"), folder.At("out2")]).ExitCode);
        Assert.All(failures, failure => Assert.Equal("its name is no UTF-8, and this program cannot open it; give it another", failure.Error!.Problem), throwIfEmpty: true);
    }

    /// <summary>In a tree with a checkpoint at its root, the output's own checksums stand where the user's would.</summary>
    [Fact]
    public void The_trees_own_checksums_give_way_to_those_of_the_output()
    {
        Write("tree/lit_model.pth");
        File.WriteAllText(folder.At("tree", "SHA256SUMS"), "the user's");

        var reports = Run(folder.At("tree"), folder.At("out"));

        Assert.Contains(reports.SelectMany(report => report.Advice), advice => advice.Code == "checksums-replaced");
        Assert.Equal(["skipped", "skipped"], Run(folder.At("tree"), folder.At("out")).Select(report => report.Status.ToString().ToLowerInvariant()));
        Assert.Equal(0, ChildProcess.Run("/bin/sh", ["-c", "cd \"$1\" && sha256sum --quiet --strict -c SHA256SUMS", "sh", folder.At("out")]).ExitCode);
        Assert.All(Verify(""), report => Assert.True(report.IsVerified, string.Join("; ", report.Differences)), throwIfEmpty: true);
    }

    /// <summary>A run that was killed when all was done but the locks, and one that follows and has nothing to do.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Locks_that_a_killed_run_left_beside_what_is_finished_are_swept(bool inPlace)
    {
        Write("tree/lit_model.pth");
        MigrationRequest Change(MigrationRequest request) => inPlace ? request with { InPlace = true } : request;
        var output = inPlace ? folder.At("tree") : folder.At("out");
        Run(folder.At("tree"), inPlace ? null : output, Change);
        List<string> locks = [.. new[] { "lit_model.pth", "model/lit_model.pth", "model/model_config.yaml" }.Select(name => TemporaryName.LockFor(Path.Combine(output, name)))];
        if (!inPlace)
        {
            locks.AddRange(new[] { "", "model", "model/logs/day.txt", "SHA256SUMS", ".qkvmigrate/tree.json", ".qkvmigrate/reports/x.json" }.Select(name => TemporaryName.LockFor(Path.Combine(output, name))));
            locks.Add(folder.At("out", "model", ".lit_model.pth.77-0123abcd.qkvmigrate-tmp"));
        }

        locks.ForEach(file => File.WriteAllText(file, ""));

        Run(folder.At("tree"), inPlace ? null : output, Change);

        Assert.All(locks, file => Assert.False(Path.Exists(file), file), throwIfEmpty: true);
    }

    private void Write(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
        File.WriteAllBytes(folder.At(name), LegacyModel.Legacy.ToFile());
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(folder.At(name))!, "model_config.yaml"), "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n");
    }

    private void Link(string name, string text) => File.CreateSymbolicLink(folder.At("tree", "model", name), text);

    private void Bytes(string command, string name) =>
        Assert.Equal(0, ChildProcess.Run("/bin/sh", ["-c", $"cd \"$1\" && {command} \"$(printf '{name}')\"", "sh", folder.At("tree")]).ExitCode);

    private IReadOnlyList<VerificationReport> Verify(string below) =>
        PathVerifier.Run(folder.At("tree", below), folder.At("out"), new VerificationOptions(), TestContext.Current.CancellationToken);

    private IReadOnlyList<CheckpointReport> Run(string path, string? output, Func<MigrationRequest, MigrationRequest>? change = null, CheckpointSelection? selection = null)
    {
        var request = new MigrationRequest { Path = path, Output = output, Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], new BatchOptions { Selection = selection ?? CheckpointSelection.All }, TestContext.Current.CancellationToken);
    }
}
