using System.Text.Json;

namespace QkvMigrate.Cli.Rendering;

/// <summary>The names of enum values in JSON and in text.</summary>
internal static class JsonNames
{
    /// <summary><c>TorchZip</c> becomes <c>torch-zip</c>.</summary>
    public static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);
}
