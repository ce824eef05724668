using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>An export into a folder that has the weights of another one, in other files.</summary>
public sealed class ReplacedExportTests
{
    private const string Whole = $"{ExportedFamilyTests.Outer}{ExportedFamilyTests.Gated}{ExportedFamilyTests.Normed}";

    [Fact]
    public void The_others_go_when_the_new_ones_are_there_and_not_before()
    {
        using var model = new SmallModel("").With(Whole).Write();
        Assert.Equal(CheckpointStatus.Exported, model.Export(new ExportOptions { MaximumShardBytes = 2000 }).Status);
        File.WriteAllText(Path.Combine(model.Output, "mine.txt"), "of mine");
        var before = Names(model);
        Assert.Contains("model.safetensors.index.json", before);

        // Something that no file can replace comes into the way of the last step.
        var inTheWay = Path.Combine(model.Output, "model.safetensors");
        var failed = model.Export(force: true, progress: new OnBegin(() => Directory.CreateDirectory(Path.Combine(inTheWay, "within"))));
        Assert.NotNull(failed.Error);
        Assert.Equal(before.Append("model.safetensors").Order(StringComparer.Ordinal), Names(model));

        Directory.Delete(inTheWay, recursive: true);
        Assert.Equal(CheckpointStatus.Exported, model.Export(force: true).Status);
        Assert.Equal(["config.json", "generation_config.json", "mine.txt", "model.safetensors"], Names(model));
    }

    private static List<string> Names(SmallModel model) => [.. Directory.EnumerateFileSystemEntries(model.Output).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private sealed class OnBegin(Action action) : IWriteProgress, IFileProgress
    {
        public IFileProgress Begin(string path, long bytes)
        {
            action();
            return this;
        }

        public void Advance(long bytes)
        {
        }

        public void Enter(WriteStage stage)
        {
        }

        public void Dispose()
        {
        }
    }
}
