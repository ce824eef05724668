using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The new file is the same on every filesystem: cloned and changed in part, copied within the kernel, or copied by reading and writing.</summary>
public sealed class FilesystemTests : IDisposable
{
    private const int Layers = 64;

    private readonly WorkFolder folder = new();

    public FilesystemTests() => LegacyCheckpoint.Write(Source, Layers);

    private string Source => folder.At("model.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void XFS_gets_the_same_bytes_in_place()
    {
        PortableSwitch.SkipWhereItIsOn();
        var image = folder.At("image");
        using (var file = File.Create(image))
        {
            file.SetLength(512 << 20);
        }

        var disk = Directory.CreateDirectory(folder.At("disk")).FullName;
        MakeXfs(image);
        RequireXfs(ChildProcess.Run("mount", ["-t", "xfs", "-o", "loop", image, disk]));
        try
        {
            Assert.EndsWith("\n            reflink yes, copy in the kernel yes, locks yes\n", Tool.Run("doctor", disk).Output, StringComparison.Ordinal);
            var copy = Path.Combine(disk, "model.pth");
            File.Copy(Source, copy);

            Upgrade(copy, "--in-place", "--backup", ".old");

            Assert.Equal(WorkFolder.Sha256(Source), WorkFolder.Sha256(copy + ".old"));
            Assert.Equal(Expected(), WorkFolder.Sha256(copy));
        }
        finally
        {
            // A program that another test starts may have the folder open for a moment.
            ChildProcess.Run("umount", ["--lazy", disk]);
        }
    }

    [Fact]
    public void Tmpfs_gets_the_same_bytes()
    {
        var target = Path.Combine("/dev/shm", Path.GetRandomFileName());
        try
        {
            Upgrade(Source, "-o", target);
            Assert.Equal(Expected(), WorkFolder.Sha256(target));
        }
        finally
        {
            File.Delete(target);
        }
    }

    private string Expected()
    {
        Upgrade(Source, "-o", folder.At("expected.pth"));
        return WorkFolder.Sha256(folder.At("expected.pth"));
    }

    private static void Upgrade(params string[] arguments)
    {
        var run = Tool.Run(["upgrade", .. arguments, .. LegacyCheckpoint.Arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private static void MakeXfs(string image)
    {
        const string Maker = "/usr/sbin/mkfs.xfs";
        if (!File.Exists(Maker))
        {
            Prerequisite.Missing($"needs {Maker}: apt-get install xfsprogs");
        }

        var made = ChildProcess.Run(Maker, ["-q", image]);
        Assert.True(made.ExitCode == 0, made.Error);
    }

    /// <summary>No package brings these: containers, also those of continuous integration, seldom may mount.</summary>
    private static void RequireXfs(ProcessResult mounted) => Assert.SkipUnless(mounted.ExitCode == 0, $"needs root and a kernel with XFS and loop devices: {mounted.Error.Trim()}");
}
