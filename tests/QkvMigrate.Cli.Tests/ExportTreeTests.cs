using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Trees of checkpoints, exported by several runs.</summary>
public sealed class ExportTreeTests : IDisposable
{
    private static readonly string[] Models = ["gemma2-softcap", "llama-gqa", "pythia-mha"];

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Tree => _folder.At("tree");

    private string Output => _folder.At("exported");

    [Fact]
    public void Each_directory_is_exported_once()
    {
        Grow();
        Assert.Equal(["exported", "exported", "exported", "unchanged"], Statuses(Export("--jobs", "2")));
        foreach (var model in Models)
        {
            Assert.Equal(ExportedModel.Golden(model), ExportedModel.Read(Path.Combine(Output, "models", model)));
        }

        var made = WorkFolder.Snapshot(Output);
        Assert.Equal(["skipped", "skipped", "skipped", "unchanged"], Statuses(Export()));
        Assert.Equal(made, WorkFolder.Snapshot(Output));
        Assert.Equal(0, Tool.Run("report", Output).ExitCode);
    }

    [Fact]
    public void What_differs_is_made_again_and_what_it_no_longer_has_goes()
    {
        Grow();
        Export();
        File.WriteAllText(Path.Combine(Tree, "models", "llama-gqa", "tokenizer.json"), "{}");
        Assert.Equal(["exported", "skipped", "skipped", "unchanged"], Statuses(Export()).Order(StringComparer.Ordinal));
        Assert.True(File.Exists(Path.Combine(Output, "models", "llama-gqa", "tokenizer.json")));

        Assert.Equal(["exported", "exported", "exported", "unchanged"], Statuses(Export("--max-shard-size", "20KB")));
        Assert.Equal(ExportedModel.Golden("llama-gqa"), ExportedModel.Read(Path.Combine(Output, "models", "llama-gqa")));
        Assert.False(File.Exists(Path.Combine(Output, "models", "llama-gqa", "model.safetensors")));
    }

    [Fact]
    public void Parts_make_the_same_as_one_run()
    {
        Grow();
        Export();
        var whole = WorkFolder.Snapshot(Path.Combine(Output, "models"));
        Directory.Delete(Output, recursive: true);
        Export("--shard", "1/2");
        Export("--shard", "2/2");
        Assert.Equal(whole, WorkFolder.Snapshot(Path.Combine(Output, "models")));
    }

    [Fact]
    public void An_output_of_exports_is_none_of_upgrades()
    {
        Grow();
        Export();
        var upgrade = Tool.Run("upgrade", Tree, "-o", Output);
        Assert.Equal(1, upgrade.ExitCode);
        Assert.Contains("the output holds the export of", upgrade.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_another_model_in_the_output_are_not_taken_for_its_own()
    {
        Grow();
        Directory.CreateDirectory(Path.Combine(Output, "models", "llama-gqa"));
        var other = Path.Combine(Output, "models", "llama-gqa", "model-00001-of-00002.safetensors");
        File.WriteAllText(other, "of mine");
        var export = Tool.Run("export", Tree, "-o", Output);
        Assert.Equal(1, export.ExitCode);
        Assert.Equal($"qkvmigrate: error: {other}: weights of another model stand in the output, which would be loaded in its place; take them away, or --force does", Assert.Single(export.ErrorLines));
        Assert.Equal("of mine", File.ReadAllText(other));
        Export("--force");
        Assert.False(File.Exists(other));
    }

    /// <summary>Three models, and a folder of Hugging Face's own.</summary>
    private void Grow()
    {
        foreach (var model in Models)
        {
            _folder.Take(ExportedModel.Checkpoint(model), Path.Combine("tree", "models", model));
        }

        var converted = Tool.Run("export", ExportedModel.Checkpoint("llama-gqa"), "-o", Path.Combine(Tree, "models", "unconverted"));
        Assert.True(converted.ExitCode == 0, converted.Error);
    }

    private ProcessResult Export(params string[] arguments)
    {
        var export = Tool.Run(["export", Tree, "-o", Output, "--json", .. arguments]);
        Assert.True(export.ExitCode == 0, export.Error);
        return export;
    }

    private static IEnumerable<string?> Statuses(ProcessResult export) =>
        JsonReport.Document(export).GetProperty("checkpoints").EnumerateArray().Select(checkpoint => checkpoint.Text("status"));
}
