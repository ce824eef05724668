using System.Collections.Concurrent;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>What a migration tells of its bytes.</summary>
public sealed class WriteProgressTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-progress-");
    private readonly StreamReorderEngine engine = new();
    private readonly RecordingProgress progress = new();

    private string Source => Path.Combine(folder.FullName, "lit_model.pth");

    private string Output => Path.Combine(folder.FullName, "out.pth");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_file_is_told_of_once_with_all_its_bytes_and_stages()
    {
        File.WriteAllBytes(Source, LegacyModel.Legacy.ToFile());

        var report = Assert.Single(Migrator.Run(Request(Source, Output), TestContext.Current.CancellationToken));

        Assert.Equal(CheckpointStatus.Upgraded, report.Status);
        var file = Assert.Single(progress.Files);
        var length = new FileInfo(Output).Length;
        Assert.Equal((Source, length, length, true), (file.Path, file.Total, file.Done, file.IsEnded));
        Assert.Equal([WriteStage.Verifying, WriteStage.Syncing], file.Stages);
    }

    [Fact]
    public void Files_that_are_copied_are_told_of_too()
    {
        var directory = Directory.CreateDirectory(Path.Combine(folder.FullName, "model")).FullName;
        File.WriteAllBytes(Path.Combine(directory, "lit_model.pth"), LegacyModel.Legacy.ToFile());
        File.WriteAllText(Path.Combine(directory, "tokenizer.json"), "seventeen bytes..");

        Migrator.Run(Request(directory, Output), TestContext.Current.CancellationToken);

        var copied = progress.Files.Single(file => file.Path == Path.Combine(directory, "tokenizer.json"));
        Assert.Equal((17, 17, true), (copied.Total, copied.Done, copied.IsEnded));
        Assert.Equal([WriteStage.Syncing], copied.Stages);
        Assert.Equal(2, progress.Files.Count);
    }

    [Fact]
    public void A_file_that_is_given_up_has_ended()
    {
        File.WriteAllBytes(Source, LegacyModel.Legacy.ToFile());

        var report = Assert.Single(Migrator.Run(Request(Source, Output) with { Engine = () => throw new MigrationException(FailureKind.Usage, "no engine") }, TestContext.Current.CancellationToken));

        Assert.Equal("no engine", report.Error!.Problem);
        Assert.True(Assert.Single(progress.Files).IsEnded);
        Assert.Empty(progress.Files.Single().Stages);
    }

    [Fact]
    public void Nothing_is_told_where_nothing_is_written()
    {
        File.WriteAllBytes(Source, LegacyModel.Legacy.ToFile());
        Migrator.Run(Request(Source, Output) with { DryRun = true }, TestContext.Current.CancellationToken);
        Assert.Empty(progress.Files);
    }

    private MigrationRequest Request(string path, string output) => new()
    {
        Path = path,
        Output = output,
        Direction = MigrationDirection.Upgrade,
        Geometry = new GeometryFlags(LegacyModel.Geometry.HeadCount, LegacyModel.Geometry.QueryGroupCount, LegacyModel.Geometry.HeadSize),
        Engine = () => engine,
        Progress = progress,
    };

    private sealed class RecordingProgress : IWriteProgress
    {
        public ConcurrentQueue<RecordedFile> Files { get; } = [];

        public IFileProgress Begin(string path, long bytes)
        {
            var file = new RecordedFile(path, bytes);
            Files.Enqueue(file);
            return file;
        }
    }

    private sealed class RecordedFile(string path, long total) : IFileProgress
    {
        private long done;

        public string Path => path;

        public long Total => total;

        public long Done => Interlocked.Read(ref done);

        public List<WriteStage> Stages { get; } = [];

        public bool IsEnded { get; private set; }

        public void Advance(long bytes) => Interlocked.Add(ref done, bytes);

        public void Enter(WriteStage stage) => Stages.Add(stage);

        public void Dispose() => IsEnded = true;
    }
}
