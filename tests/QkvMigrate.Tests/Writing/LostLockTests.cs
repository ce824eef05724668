using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>After a power cut the disk may have a temporary file without the lock's file that was made before it.</summary>
public sealed class LostLockTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_left_without_its_lock_is_swept_from_a_folder()
    {
        folder.Write(".model.pth.4711-0123abcd.qkvmigrate-tmp", "half a file");
        Directory.CreateDirectory(folder.At(".new.4711-0123abcd.qkvmigrate-tmp", "logs"));
        var within = Path.GetFileName(folder.Path);
        Directory.CreateDirectory(folder.At($".{within}.4711-0123abcd.qkvmigrate-tmp"));

        TargetLock.SweepFolder(folder.Path + Path.DirectorySeparatorChar);

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_is_being_written_and_what_only_looks_so_stay()
    {
        using var file = DurableFile.Create(folder.At("model.pth"), replace: false);
        using var output = DurableFolder.Create(folder.At("new"), mayExist: false);
        Directory.CreateDirectory(folder.At("old"));
        using var within = DurableFolder.Create(folder.At("old"), mayExist: true);
        var looks = folder.Write(".model.pth.notes.qkvmigrate-tmp", "somebody's");

        TargetLock.SweepFolder(folder.Path);
        TargetLock.SweepFolder(folder.At("old"));

        Assert.True(File.Exists(file.TemporaryPath));
        Assert.True(Directory.Exists(output.WritePath));
        Assert.True(Directory.Exists(within.WritePath));
        Assert.True(File.Exists(looks));
    }
}
