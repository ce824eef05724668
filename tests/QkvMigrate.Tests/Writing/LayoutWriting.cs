using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Writing;

namespace QkvMigrate.Tests.Writing;

/// <summary>A source on the disk, and the new files that are written from it.</summary>
internal sealed class LayoutWriting : IDisposable
{
    private readonly WorkFolder folder = new();

    public LayoutWriting(byte[] source)
    {
        SourcePath = folder.At("source");
        File.WriteAllBytes(SourcePath, source);
        Source = SourceFile.Open(SourcePath);
    }

    public string SourcePath { get; }

    public SourceFile Source { get; }

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
    public byte[] Write(FilePlan layout, string path)
    {
        using (var target = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            FilePlanWriter.Write(Source, layout, target, Engine, SlabBytes, Threads, Told, Cancellation);
        }

        return File.ReadAllBytes(path);
    }

    public void Dispose()
    {
        Source.Dispose();
        folder.Dispose();
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
