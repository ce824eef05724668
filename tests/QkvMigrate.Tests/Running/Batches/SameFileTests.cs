using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>One file under several paths: whatever leads to it, nothing that was named as a source is written over, and no file is worked on twice.</summary>
public sealed class SameFileTests : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public SameFileTests()
    {
        foreach (var model in new[] { "a", "b" })
        {
            Directory.CreateDirectory(folder.At("runs", model, "sub"));
            File.WriteAllBytes(folder.At("runs", model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(folder.At("runs", model, "model_config.yaml"), Configuration);
            File.WriteAllText(folder.At("runs", model, "sub", "notes.txt"), model);
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("link", "the output lies within the source")]
    [InlineData("link/new", "the output lies within the source")]
    [InlineData("link/a/sub/new/deeper", "the output lies within the source")]
    [InlineData("runs/../runs/a", "the output lies within the source")]
    [InlineData("into", "the output lies within the source")]
    [InlineData("dangling", "the output lies within the source")]
    [InlineData("around", "the source lies within the output")]
    [InlineData(".", "the source lies within the output")]
    public void An_output_in_the_source_or_around_it_is_refused(string output, string problem)
    {
        Directory.CreateSymbolicLink(folder.At("link"), folder.At("runs"));
        Directory.CreateSymbolicLink(folder.At("into"), "runs/a/sub");
        Directory.CreateSymbolicLink(folder.At("around"), folder.Path);
        Directory.CreateSymbolicLink(folder.At("dangling"), folder.At("runs", "new"));
        var before = WorkFolder.Snapshot(folder.At("runs"));

        var error = Assert.Single(Run(Request(folder.At("runs"), folder.At(output)) with { Force = true })).Error!;

        Assert.Equal((FailureKind.Target, problem), (error.Kind, error.Problem));
        Assert.Equal(before, WorkFolder.Snapshot(folder.At("runs")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sub")]
    public void A_folder_of_the_output_that_is_a_link_into_the_source_is_refused(string below)
    {
        Directory.CreateDirectory(folder.At("out", below.Length > 0 ? "a" : ""));
        Directory.CreateSymbolicLink(folder.At("out", "a", below), folder.At("runs", "a", below));
        var before = WorkFolder.Snapshot(folder.At("runs"));

        var reports = Run(Request(folder.At("runs"), folder.At("out")) with { Force = true });

        Assert.Equal("refused upgraded", Statuses(reports));
        Assert.Equal("this folder of the output lies within the source", reports[0].Error!.Problem);
        Assert.Equal(before, WorkFolder.Snapshot(folder.At("runs")));
    }

    [Theory]
    [InlineData("other/lit_model.pth")]
    [InlineData("linked.pth")]
    [InlineData("hard.pth")]
    public void An_output_that_is_the_source_by_another_path_is_refused(string output)
    {
        Directory.CreateSymbolicLink(folder.At("other"), folder.At("runs", "a"));
        File.CreateSymbolicLink(folder.At("linked.pth"), folder.At("runs", "a", "lit_model.pth"));
        Assert.Equal(0, ChildProcess.Run("/bin/ln", [folder.At("runs", "a", "lit_model.pth"), folder.At("hard.pth")]).ExitCode);
        var before = folder.Snapshot();

        var error = Assert.Single(Run(Request(folder.At("runs", "a", "lit_model.pth"), folder.At(output)) with { Force = true })).Error!;

        Assert.Equal("the output is the source; --in-place replaces it", error.Problem);
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void The_file_that_the_configuration_comes_from_is_no_output()
    {
        var configuration = folder.At("config.yaml");
        File.WriteAllText(configuration, Configuration);
        File.CreateSymbolicLink(folder.At("link.yaml"), configuration);
        var request = Request(folder.At("runs", "a", "lit_model.pth"), folder.At("link.yaml")) with { Force = true, Geometry = new GeometryFlags(ConfigPath: configuration) };

        Assert.Equal("the output is the file that --config names", Assert.Single(Run(request)).Error!.Problem);
        Assert.Equal(Configuration, File.ReadAllText(configuration));
    }

    [Fact]
    public void A_path_that_is_named_twice_is_worked_on_once()
    {
        Directory.CreateSymbolicLink(folder.At("link"), folder.At("runs"));
        File.CreateSymbolicLink(folder.At("latest.pth"), folder.At("runs", "a", "lit_model.pth"));
        foreach (var paths in new string[][]
        {
            [folder.At("runs", "a", "lit_model.pth"), folder.At("runs", "a", "lit_model.pth")],
            [folder.At("runs", "a", "lit_model.pth"), folder.At("latest.pth")],
            [folder.At("runs", "a", "lit_model.pth"), folder.At("link", "a", "lit_model.pth")],
            [folder.At("runs"), folder.At("runs", "a", "lit_model.pth")],
            [folder.At("runs"), folder.At("runs", "a")],
            [folder.At("runs"), folder.At("link")],
        })
        {
            var reports = Migrator.Run(paths.Select(path => Request(path) with { InPlace = true }), new BatchOptions { Jobs = 4 }, TestContext.Current.CancellationToken);

            Assert.Equal("named-twice", Assert.Single(reports, report => report.Status == CheckpointStatus.Skipped).Advice[0].Code);
            Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
            Assert.Equal(paths[0] == folder.At("runs") ? 2 : 1, reports.Count(report => report.Status == CheckpointStatus.Upgraded));
            foreach (var model in new[] { "a", "b" })
            {
                File.WriteAllBytes(folder.At("runs", model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
                File.WriteAllText(folder.At("runs", model, "model_config.yaml"), Configuration);
            }
        }
    }

    [Fact]
    public void A_tree_that_is_named_after_what_is_in_it_has_all_of_it()
    {
        var reports = Migrator.Run([Request(folder.At("runs", "a")), Request(folder.At("runs"))], new BatchOptions(), TestContext.Current.CancellationToken);

        Assert.Equal("skipped upgraded upgraded", Statuses(reports));
        Assert.Equal(["a", "b"], Directory.GetDirectories(folder.At("runs-qkv")).Select(Path.GetFileName).Where(name => name![0] != '.').Order());
        Assert.False(Path.Exists(folder.At("runs", "a-qkv")));
    }

    [Fact]
    public void An_output_that_another_path_names_or_shares_is_refused()
    {
        File.Copy(folder.At("runs", "a", "lit_model.pth"), folder.At("runs", "a", "lit_model-qkv.pth"));
        var before = WorkFolder.Snapshot(folder.At("runs"));
        var reports = Migrator.Run(
            [Request(folder.At("runs", "a", "lit_model.pth")) with { Force = true }, Request(folder.At("runs", "a", "lit_model-qkv.pth")) with { Force = true, DryRun = true }],
            new BatchOptions(),
            TestContext.Current.CancellationToken);
        Assert.Equal("refused planned", Statuses(reports));
        Assert.Equal("its output is another PATH, or lies in one", reports[0].Error!.Problem);

        reports = Migrator.Run(
            [Request(folder.At("runs", "a"), folder.At("out")), Request(folder.At("runs", "b"), folder.At("out"))],
            new BatchOptions { Jobs = 2 },
            TestContext.Current.CancellationToken);
        Assert.Equal("upgraded upgraded refused", Statuses(reports));
        Assert.Equal("its output is that of another PATH too; give them outputs of their own, in separate runs", reports[2].Error!.Problem);
        Assert.Equal(before, WorkFolder.Snapshot(folder.At("runs")));
    }

    /// <summary>A check writes nothing, so that the trees of an earlier run may stand beside their sources.</summary>
    [Fact]
    public void A_check_asks_for_no_output()
    {
        Run(Request(folder.At("runs")));
        var reports = Migrator.Run([Request(folder.At("runs")) with { DryRun = true, Force = true }, Request(folder.At("runs-qkv")) with { DryRun = true, Force = true }], new BatchOptions(), TestContext.Current.CancellationToken);
        Assert.Equal("planned planned unchanged unchanged", Statuses(reports));
    }

    [Theory]
    [InlineData(".lit_model.pth.12-0123abcd.qkvmigrate-tmp")]
    [InlineData(".lit_model.pth.qkvmigrate-lock")]
    public void What_the_next_run_takes_away_is_no_source(string name)
    {
        File.Move(folder.At("runs", "a", "lit_model.pth"), folder.At("runs", "a", name));
        var report = Assert.Single(Run(Request(folder.At("runs", "a", name), folder.At("runs", "a", "lit_model.pth"))));
        Assert.Equal(FailureKind.Target, report.Error!.Kind);
        Assert.True(File.Exists(folder.At("runs", "a", name)));
    }

    /// <summary>A folder that is mounted at a second place is the same folder, though no link says so.</summary>
    [Fact]
    public void A_bind_mount_of_the_source_is_the_source()
    {
        Directory.CreateDirectory(folder.At("mounted"));
        Assert.SkipUnless(ChildProcess.Run("/bin/mount", ["--bind", folder.At("runs", "a"), folder.At("mounted")]).ExitCode == 0, "this process may not mount");
        try
        {
            foreach (var output in new[] { folder.At("mounted"), folder.At("mounted", "new") })
            {
                Assert.Equal("the output lies within the source", Assert.Single(Run(Request(folder.At("runs"), output) with { Force = true })).Error!.Problem);
            }

            Assert.Equal("the output is the source; --in-place replaces it", Assert.Single(Run(Request(folder.At("runs", "a", "lit_model.pth"), folder.At("mounted", "lit_model.pth")) with { Force = true })).Error!.Problem);
        }
        finally
        {
            Assert.Equal(0, ChildProcess.Run("/bin/umount", ["--lazy", folder.At("mounted")]).ExitCode);
        }
    }

    private static string Statuses(IEnumerable<CheckpointReport> reports) => string.Join(' ', reports.Select(report => report.Status)).ToLowerInvariant();

    private static IReadOnlyList<CheckpointReport> Run(MigrationRequest request) => Migrator.Run([request], new BatchOptions(), TestContext.Current.CancellationToken);

    private MigrationRequest Request(string path, string? output = null) => new() { Path = path, Output = output, Direction = MigrationDirection.Upgrade, Engine = () => engine };
}
