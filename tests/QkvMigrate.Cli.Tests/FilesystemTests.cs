using QkvMigrate.Cli.Tests.Support;
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
    public void XfsGetsTheSameBytesInPlace()
    {
        var image = folder.At("image");
        using (var file = File.Create(image))
        {
            file.SetLength(512 << 20);
        }

        var disk = Directory.CreateDirectory(folder.At("disk")).FullName;
        RequireXfs(ChildProcess.Run("/usr/sbin/mkfs.xfs", ["-q", image]));
        RequireXfs(ChildProcess.Run("mount", ["-o", "loop", image, disk]));
        try
        {
            var copy = Path.Combine(disk, "model.pth");
            File.Copy(Source, copy);

            Upgrade(copy, "--in-place", "--backup", ".old");

            Assert.Equal(WorkFolder.Sha256(Source), WorkFolder.Sha256(copy + ".old"));
            Assert.Equal(Expected(), WorkFolder.Sha256(copy));
        }
        finally
        {
            ChildProcess.Run("umount", [disk]);
        }
    }

    [Fact]
    public void TmpfsGetsTheSameBytes()
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

    /// <summary>Not every machine that has the rest, not even every one of continuous integration, has a kernel with XFS and loop devices.</summary>
    private static void RequireXfs(ProcessResult step) => Assert.SkipUnless(step.ExitCode == 0, $"needs root, xfsprogs, and a kernel with XFS and loop devices: {step.Error}");
}
