using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>qkvmigrate export</c>, held against what LitGPT's own converter makes of the same checkpoints.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public static TheoryData<string> Goldens => [.. ExportedModel.Goldens];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Goldens))]
    public void A_legacy_checkpoint_becomes_what_LitGPTs_converter_makes(string golden)
    {
        var expected = ExportedModel.Golden(golden);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, ExportedModel.Read(Export(ExportedModel.Checkpoint(golden))));
        Assert.Equal(expected, ExportedModel.Read(Export(ExportedModel.Checkpoint(golden), "--max-shard-size", "20KB")));
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void So_does_its_upgrade(string golden)
    {
        var upgraded = _folder.At("upgraded");
        Run("upgrade", ExportedModel.Checkpoint(golden), "-o", upgraded);
        var expected = ExportedModel.Golden(golden);
        Assert.Equal(expected, ExportedModel.Read(Export(upgraded)));
        Assert.Equal(expected, ExportedModel.Read(Export(upgraded, "--max-shard-size", "20KB")));
    }

    [Fact]
    public void A_file_by_itself_is_exported_with_what_lies_beside_it()
    {
        var checkpoint = _folder.Take(ExportedModel.Checkpoint("llama-gqa"));
        File.WriteAllText(Path.Combine(checkpoint, "tokenizer.json"), "{}");
        File.WriteAllText(Path.Combine(checkpoint, "notes.txt"), "of mine");
        var exported = Export(Path.Combine(checkpoint, "lit_model.pth"));
        Assert.Equal(
            ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"],
            Directory.EnumerateFileSystemEntries(exported).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.Equal(ExportedModel.Golden("llama-gqa"), ExportedModel.Read(exported));
    }

    private string Export(string path, params string[] arguments)
    {
        var exported = _folder.At(Guid.NewGuid().ToString("N"));
        Run(["export", path, "-o", exported, .. arguments]);
        return exported;
    }

    private static void Run(params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(run.ErrorLines);
    }
}
