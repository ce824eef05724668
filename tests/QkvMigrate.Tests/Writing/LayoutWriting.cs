using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Writing;

namespace QkvMigrate.Tests.Writing;

/// <summary>Sources on the disk, and the new files that are written from them.</summary>
internal sealed class LayoutWriting : IDisposable
{
    private readonly WorkFolder folder = new();

    public LayoutWriting(params byte[][] sources) => Sources = [.. sources.Select(Save)];

    /// <summary>The sources: the first is called <c>source-1</c>.</summary>
    public IReadOnlyList<SourceFile> Sources { get; }

    /// <summary>The first source.</summary>
    public SourceFile Source => Sources[0];

    public string SourcePath => Source.Path;

    /// <summary>Bytes of which progress was told.</summary>
    public long Progress { get; private set; }

    /// <summary>The new file's path.</summary>
    public string TargetPath => folder.At("target");

    public int SlabBytes { get; init; } = 8;

    public int Threads { get; init; } = 2;

    public Func<IReorderEngine> Engine { get; init; } = () => new StreamReorderEngine();

    public CancellationToken Cancellation { get; init; }

    /// <summary>Writes the new file and returns its bytes.</summary>
    public byte[] Write(FilePlan layout) => Write(layout, TargetPath);

    /// <summary>Writes the new file under another name.</summary>
    public byte[] Write(FilePlan layout, string path) =>
        Write(path, target => FilePlanWriter.Write(layout, target, Engine, SlabBytes, Threads, Told, Cancellation));

    /// <summary>Writes the new file as one of its size is written, whatever <see cref="SlabBytes"/> and <see cref="Threads"/> are.</summary>
    public byte[] WriteBySize(FilePlan layout) =>
        Write(TargetPath, target => FilePlanWriter.Write(layout, target, Engine, Told, Cancellation));

    public void Dispose()
    {
        foreach (var source in Sources)
        {
            source.Dispose();
        }

        folder.Dispose();
    }

    private static byte[] Write(string path, Action<SafeFileHandle> write)
    {
        using (var target = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            write(target);
        }

        return File.ReadAllBytes(path);
    }

    private SourceFile Save(byte[] bytes, int index)
    {
        var path = folder.At($"source-{index + 1}");
        File.WriteAllBytes(path, bytes);
        return SourceFile.Open(path);
    }

    private void Told(long bytes)
    {
        // Several threads write, and all tell.
        lock (folder)
        {
            Progress += bytes;
        }
    }
}
