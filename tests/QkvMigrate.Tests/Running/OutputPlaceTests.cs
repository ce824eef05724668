using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Running;

/// <summary>Where a result goes, and what is written through a link.</summary>
public sealed class OutputPlaceTests : IDisposable
{
    private const string Configuration = "name: x\norg: y\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public OutputPlaceTests()
    {
        Directory.CreateDirectory(folder.At("model"));
        File.WriteAllBytes(folder.At("model", "lit_model.pth"), LegacyModel.Legacy.ToFile());
        File.WriteAllText(folder.At("model", "model_config.yaml"), Configuration);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("out")]
    [InlineData("out/")]
    public void A_files_output_that_is_a_folder_takes_it_under_its_name(string output)
    {
        Directory.CreateDirectory(folder.At("out"));
        Assert.Equal(folder.At(output, "lit_model.pth"), Assert.Single(Run(folder.At("model", "lit_model.pth"), folder.At(output))).Output);
        Assert.Equal([folder.At("out", "lit_model.pth")], Directory.GetFileSystemEntries(folder.At("out")));
        Assert.Equal("the output exists already; --force replaces it", Assert.Single(Run(folder.At("model", "lit_model.pth"), folder.At(output))).Error!.Problem);
    }

    [Fact]
    public void A_files_output_in_a_folder_that_is_not_there_is_refused() =>
        Assert.Equal("there is no such directory", Assert.Single(Run(folder.At("model", "lit_model.pth"), folder.At("nowhere/"))).Error!.Problem);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_empty_folder_becomes_the_output_and_keeps_its_permissions(bool isLink)
    {
        Directory.CreateDirectory(folder.At("empty"));
        File.SetUnixFileMode(folder.At("empty"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupWrite);
        if (isLink)
        {
            Directory.CreateSymbolicLink(folder.At("link"), folder.At("empty"));
        }

        var report = Assert.Single(Run(folder.At("model"), folder.At(isLink ? "link" : "empty")));

        Assert.Equal(CheckpointStatus.Upgraded, report.Status);
        Assert.Equal(["lit_model.pth", "model_config.yaml"], Directory.GetFileSystemEntries(folder.At("empty")).Select(Path.GetFileName).Order());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupWrite, File.GetUnixFileMode(folder.At("empty")));
        Assert.Equal("the output exists already; --force replaces it", Assert.Single(Run(folder.At("model"), folder.At("empty"))).Error!.Problem);
    }

    /// <summary>Volumes of containers are empty folders that cannot be replaced.</summary>
    [Fact]
    public void A_disk_that_is_mounted_empty_becomes_the_output()
    {
        Directory.CreateDirectory(folder.At("disk"));
        Assert.SkipUnless(ChildProcess.Run("/bin/mount", ["-t", "tmpfs", "none", folder.At("disk")]).ExitCode == 0, "this process may not mount");
        try
        {
            Assert.Equal(CheckpointStatus.Upgraded, Assert.Single(Run(folder.At("model"), folder.At("disk"))).Status);
            Assert.Equal(["lit_model.pth", "model_config.yaml"], Directory.GetFileSystemEntries(folder.At("disk")).Select(Path.GetFileName).Order());
        }
        finally
        {
            Assert.Equal(0, ChildProcess.Run("/bin/umount", ["--lazy", folder.At("disk")]).ExitCode);
        }
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void A_name_may_have_as_many_bytes_as_a_filesystem_takes(int bytes, bool isTaken)
    {
        var output = folder.At(new string('x', bytes));
        var report = Assert.Single(Run(folder.At("model", "lit_model.pth"), output));
        Assert.Equal(isTaken ? null : "a name of 256 bytes is longer than the 255 that a filesystem takes", report.Error?.Problem);
        Assert.Equal(isTaken, File.Exists(output));
    }

    [Fact]
    public void A_directory_with_names_of_255_bytes_comes_along()
    {
        var name = string.Concat(Enumerable.Repeat('\u00e4', 127)) + "x";
        File.WriteAllText(folder.At("model", name), "kept");
        var run = Assert.Single(Run(folder.At("model"), folder.At(new string('y', 255))));
        Assert.Null(run.Error);
        Assert.Equal("kept", File.ReadAllText(folder.At(new string('y', 255), name)));
    }

    [Fact]
    public void A_configuration_behind_a_link_is_replaced_there()
    {
        File.Move(folder.At("model", "model_config.yaml"), folder.At("shared.yaml"));
        File.CreateSymbolicLink(folder.At("model", "model_config.yaml"), "../shared.yaml");

        var report = Assert.Single(Run(folder.At("model"), null, request => request with { InPlace = true, BackupSuffix = ".old" }));

        Assert.Equal(CheckpointStatus.Upgraded, report.Status);
        Assert.Equal("../shared.yaml", new FileInfo(folder.At("model", "model_config.yaml")).LinkTarget);
        Assert.NotEqual(Configuration, File.ReadAllText(folder.At("shared.yaml")));
        Assert.Equal(Configuration, File.ReadAllText(folder.At("shared.yaml.old")));
    }

    /// <summary>What stands in a link is followed as the system does, and not as the names would have it.</summary>
    [Fact]
    public void A_file_behind_a_link_in_a_linked_folder_is_replaced_and_no_other()
    {
        Directory.CreateDirectory(folder.At("model", "deep"));
        File.Copy(folder.At("model", "lit_model.pth"), folder.At("lit_model.pth"));
        File.Copy(folder.At("model", "model_config.yaml"), folder.At("model", "deep", "model_config.yaml"));
        File.CreateSymbolicLink(folder.At("model", "deep", "latest.pth"), "../lit_model.pth");
        Directory.CreateSymbolicLink(folder.At("linked"), "model/deep");
        var before = File.ReadAllBytes(folder.At("lit_model.pth"));

        var report = Assert.Single(Run(folder.At("linked", "latest.pth"), null, request => request with { InPlace = true }));

        Assert.Equal(CheckpointStatus.Upgraded, report.Status);
        Assert.Equal(before, File.ReadAllBytes(folder.At("lit_model.pth")));
        Assert.NotEqual(before, File.ReadAllBytes(folder.At("model", "lit_model.pth")));
        Assert.Equal("../lit_model.pth", new FileInfo(folder.At("model", "deep", "latest.pth")).LinkTarget);
    }

    [Theory]
    [InlineData("cache/blobs/0f00", "cache/snapshots/abc/lit_model.pth")]
    [InlineData("repo/.git/annex/objects/zQ/SHA256E-s1--00", "repo/lit_model.pth")]
    [InlineData("repo/.dvc/cache/files/md5/0f/00", "repo/lit_model.pth")]
    [InlineData("store/sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "models/lit_model.pth")]
    public void What_is_named_by_its_digest_is_not_replaced(string blob, string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(blob))!);
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
        File.Move(folder.At("model", "lit_model.pth"), folder.At(blob));
        File.Move(folder.At("model", "model_config.yaml"), folder.At(blob + "1"));
        File.CreateSymbolicLink(folder.At(name), Path.GetRelativePath(Path.GetDirectoryName(folder.At(name))!, folder.At(blob)));
        File.CreateSymbolicLink(Path.Combine(Path.GetDirectoryName(folder.At(name))!, "model_config.yaml"), folder.At(blob + "1"));
        var before = folder.Snapshot();

        foreach (var path in new[] { folder.At(name), Path.GetDirectoryName(folder.At(name))! })
        {
            var error = Assert.Single(Run(path, null, request => request with { InPlace = true })).Error!;
            Assert.Equal((FailureKind.Target, folder.At(name)), (error.Kind, error.File));
            Assert.EndsWith("is named by the digest of its content and shared by all that link to it; write a new file with --output", error.Problem, StringComparison.Ordinal);
        }

        Assert.Equal(before, folder.Snapshot());
        Assert.Equal(CheckpointStatus.Upgraded, Assert.Single(Run(Path.GetDirectoryName(folder.At(name))!, folder.At("out"))).Status);
        Assert.All(Directory.GetFiles(folder.At("out")), file => Assert.Null(new FileInfo(file).LinkTarget), throwIfEmpty: true);
    }

    /// <summary>The blob has no configuration beside it; the link has.</summary>
    [Fact]
    public void A_cache_has_one_checkpoint()
    {
        Directory.CreateDirectory(folder.At("cache", "blobs"));
        Directory.CreateDirectory(folder.At("cache", "snapshots", "abc"));
        File.Move(folder.At("model", "lit_model.pth"), folder.At("cache", "blobs", "0f00"));
        File.Move(folder.At("model", "model_config.yaml"), folder.At("cache", "blobs", "0f01"));
        File.CreateSymbolicLink(folder.At("cache", "snapshots", "abc", "lit_model.pth"), "../../blobs/0f00");
        File.CreateSymbolicLink(folder.At("cache", "snapshots", "abc", "model_config.yaml"), "../../blobs/0f01");

        var report = Assert.Single(Run(folder.Path, folder.At("../out"), request => request with { DryRun = true }));

        Assert.Equal((folder.At("cache", "snapshots", "abc", "lit_model.pth"), CheckpointStatus.Planned), (report.Path, report.Status));
    }

    private IReadOnlyList<CheckpointReport> Run(string path, string? output, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        var request = new MigrationRequest { Path = path, Output = output, Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], new BatchOptions(), TestContext.Current.CancellationToken);
    }
}
