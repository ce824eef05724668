using System.Text.Json;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Exported models, as a reader in Python's standard library sees them, and what LitGPT's own converter makes of the same checkpoints.</summary>
internal static class ExportedModel
{
    /// <summary>The checkpoints of which <c>tests/golden-hf</c> has what LitGPT's converter makes.</summary>
    public static IReadOnlyList<string> Goldens { get; } =
        [.. Directory.EnumerateFiles(Repository.At("tests", "golden-hf"), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>The directory of one of them.</summary>
    public static string Checkpoint(string golden) =>
        new[] { Repository.At("tests", "golden", golden), Repository.At("samples", golden), Repository.At("tests", "golden-hf", golden) }.Single(Directory.Exists);

    /// <summary>What LitGPT's converter makes of it: a line a tensor, with its dtype, its shape and the SHA-256 of its bytes.</summary>
    public static IReadOnlyList<string> Golden(string golden)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Repository.At("tests", "golden-hf", $"{golden}.json")));
        return Lines(document.RootElement.GetProperty("tensors"));
    }

    /// <summary>The same of an exported folder, whose files must keep the rules of their formats.</summary>
    public static IReadOnlyList<string> Read(string folder)
    {
        var read = Python.Run(Path.Combine("fixtures", "exported_model.py"), [folder]);
        Assert.True(read.ExitCode == 0, read.Error);
        using var document = JsonDocument.Parse(read.Output);
        return Lines(document.RootElement);
    }

    private static List<string> Lines(JsonElement tensors) =>
        [.. tensors.EnumerateObject().Select(tensor => $"{tensor.Name} {tensor.Value[0].GetString()} ({string.Join(", ", tensor.Value[1].EnumerateArray())}) {tensor.Value[2].GetString()}").Order(StringComparer.Ordinal)];
}
