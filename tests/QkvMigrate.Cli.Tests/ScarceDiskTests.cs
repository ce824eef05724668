using System.Globalization;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Disks and limits that are too small, and folders that may not be written: one line, exit code 1, nothing lost and nothing left.</summary>
public sealed class ScarceDiskTests : IDisposable
{
    private const int Sizes = 20;

    private readonly WorkFolder folder = WorkFolder.ForOthers();

    public ScarceDiskTests() => LegacyCheckpoint.Write(Source, 4);

    private string Source => folder.At("model.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_disk_that_is_too_small_is_told_at_every_size()
    {
        RequireRoot();
        var before = WorkFolder.Sha256(Source);
        var disk = Directory.CreateDirectory(folder.At("disk")).FullName;
        for (var i = 1; i <= Sizes; i++)
        {
            var size = new FileInfo(Source).Length * i / (Sizes + 1) / 4096 * 4096;
            var mounted = ChildProcess.Run("mount", ["-t", "tmpfs", "-o", $"size={size}", "tmpfs", disk]);
            if (mounted.ExitCode != 0)
            {
                Prerequisite.Missing($"a tmpfs cannot be mounted here: {mounted.Error}");
            }

            try
            {
                var run = Tool.Run(["upgrade", Source, "-o", Path.Combine(disk, "out.pth"), .. LegacyCheckpoint.Arguments]);

                Assert.Equal(1, run.ExitCode);
                Assert.EndsWith("out.pth: no space left on the disk", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
                Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
            }
            finally
            {
                // A program that another test starts may have the folder open for a moment.
                ChildProcess.Run("umount", ["--lazy", disk]);
            }
        }

        Assert.Equal(before, WorkFolder.Sha256(Source));
    }

    /// <summary>The first bytes that are written at all are those of a lock and of a page.</summary>
    [Theory]
    [InlineData("inspect", "--html", "page.html")]
    [InlineData("upgrade", "-o", "new.pth")]
    [InlineData("upgrade", "--in-place", "--backup", ".old")]
    public void A_limit_that_lets_nothing_be_written_is_told(string command, params string[] options)
    {
        var before = folder.Snapshot();
        foreach (var blocks in new[] { "0", "1", "10" })
        {
            var run = ShellRun.Run(folder.Path, $"export DOTNET_EnableWriteXorExecute=0; ulimit -f {blocks}", "", [command, Source, .. options, .. LegacyCheckpoint.Arguments]);
            Assert.Equal((blocks, 1), (blocks, run.ExitCode));
            Assert.Contains("(ulimit -f)", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
            Assert.Equal(before, folder.Snapshot());
        }
    }

    /// <summary>The folder has another name while it is written, which is gone with it.</summary>
    [Theory]
    [InlineData("upgrade", "new/lit_model.pth")]
    [InlineData("export", "new/model.safetensors")]
    [InlineData("upgrade", "new/lit_model.pth", "--force")]
    public void A_file_of_a_new_folder_is_told_by_the_name_that_it_was_to_get(string command, string expected, params string[] options)
    {
        folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "model");
        if (options.Length > 0)
        {
            Directory.CreateDirectory(folder.At("new"));
        }

        var before = folder.Snapshot();
        foreach (var blocks in new[] { "10", "500" })
        {
            var run = ShellRun.Run(folder.Path, $"export DOTNET_EnableWriteXorExecute=0; ulimit -f {blocks}", "", [command, "model", "-o", "new", .. options]);

            Assert.Equal(1, run.ExitCode);
            var line = Assert.Single(run.ErrorLines);
            Assert.StartsWith($"qkvmigrate: error: {expected}: the file would be larger than the limit", line, StringComparison.Ordinal);
            Assert.DoesNotContain("qkvmigrate-tmp", line, StringComparison.Ordinal);
            Assert.Equal(before, folder.Snapshot());
        }
    }

    /// <remarks>The runtime maps its code through a file of its own, which such limits forbid before the program starts; without W^X it does not.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(2000)]
    public void A_limit_of_file_sizes_is_told(int blocks)
    {
        var before = folder.Snapshot();

        var run = ChildProcess.Run(
            "/bin/sh",
            ["-c", $"ulimit -f {blocks.ToString(CultureInfo.InvariantCulture)}; exec \"$0\" \"$@\"", BuildFacts.Program, "upgrade", Source, "--in-place", .. LegacyCheckpoint.Arguments],
            new Dictionary<string, string>(Tool.Environment) { ["DOTNET_EnableWriteXorExecute"] = "0" });

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("(ulimit -f)", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, folder.Snapshot());
    }

    [Theory]
    [InlineData]
    [InlineData("--in-place")]
    public void A_folder_that_may_not_be_written_is_told(params string[] arguments)
    {
        RequireRoot();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0x1ed /* 0755 */);
        var before = folder.Snapshot();

        var run = ChildProcess.Run(
            "setpriv",
            ["--reuid", "65534", "--regid", "65534", "--clear-groups", BuildFacts.Program, "upgrade", Source, .. arguments, .. LegacyCheckpoint.Arguments],
            Tool.Environment);

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith("permission denied: the file or its folder may not be written", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void Owner_permissions_and_links_are_kept()
    {
        RequireRoot();
        ChildProcess.Run("chown", ["65534:12345", Source]);
        File.SetUnixFileMode(Source, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Directory.CreateDirectory(folder.At("links"));
        File.CreateSymbolicLink(folder.At("links", "latest.pth"), Source);
        var old = WorkFolder.Sha256(Source);

        var run = Tool.Run(["upgrade", folder.At("links", "latest.pth"), "--in-place", "--backup", ".old", .. LegacyCheckpoint.Arguments]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(Source, new FileInfo(folder.At("links", "latest.pth")).LinkTarget);
        Assert.Equal("65534:12345 640", ChildProcess.Run("stat", ["-c", "%u:%g %a", Source]).Output.Trim());
        Assert.Equal(old, WorkFolder.Sha256(Source + ".old"));
        Assert.NotEqual(old, WorkFolder.Sha256(Source));
    }

    private static void RequireRoot()
    {
        if (Environment.UserName != "root")
        {
            Prerequisite.Missing("needs root: it mounts a disk, gives files away, or becomes another user");
        }
    }
}
