using System.Text.Json;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Reads the JSON document that a command printed.</summary>
internal static class JsonReport
{
    /// <summary>The whole of standard output as one document.</summary>
    public static JsonElement Document(ProcessResult result)
    {
        using var document = JsonDocument.Parse(result.Output);
        return document.RootElement.Clone();
    }

    /// <summary>The only checkpoint that the document tells of.</summary>
    public static JsonElement OnlyCheckpoint(ProcessResult result)
    {
        var document = Document(result);
        Assert.Equal(1, document.GetProperty("schemaVersion").GetInt32());
        return Assert.Single(document.GetProperty("checkpoints").EnumerateArray());
    }

    public static string? Text(this JsonElement element, string property) => element.GetProperty(property).GetString();
}
