using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>Files that the kernel does not copy by itself are copied through a buffer.</summary>
public sealed class CopyFallbackTests
{
    private const string SharedMemory = "/dev/shm";

    [Fact]
    public void From_a_filesystem_that_makes_its_bytes_up()
    {
        // procfs says that its files are empty; copy_file_range copies nothing of them, a read does.
        const string version = "/proc/version";
        var expected = File.ReadAllBytes(version);
        Assert.NotEmpty(expected);
        using var source = SourceFile.Open(version);
        using var folder = new WorkFolder();
        Assert.Equal(expected, Copy(source, expected.Length, folder.At("copy")));
    }

    [Fact]
    public void To_another_filesystem()
    {
        if (!Directory.Exists(SharedMemory))
        {
            Prerequisite.Missing($"needs a second filesystem at {SharedMemory}");
        }

        byte[] bytes = [.. Enumerable.Range(0, 1000).Select(value => (byte)(value * 3))];
        using var writing = new LayoutWriting(bytes);
        var path = Path.Combine(SharedMemory, Path.GetRandomFileName());
        try
        {
            Assert.Equal(bytes, Copy(writing.Source, bytes.Length, path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] Copy(SourceFile source, int length, string path)
    {
        var layout = new FilePlan(length, [new CopySegment(0, length, -1, source, 0)], []);
        var progress = 0L;
        using (var target = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            FilePlanWriter.Write(layout, target, () => new StreamReorderEngine(), 7, 2, bytes => Interlocked.Add(ref progress, bytes), CancellationToken.None);
        }

        Assert.Equal(length, progress);
        return File.ReadAllBytes(path);
    }
}
