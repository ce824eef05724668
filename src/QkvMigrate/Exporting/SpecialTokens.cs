using System.Text.Json;
using System.Text.Json.Nodes;
using QkvMigrate.Configuration;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>
/// The numbers of a model's special tokens, for a <c>config.json</c> that is made: what a <c>config.json</c> beside the checkpoint says,
/// which was not taken for another reason, else <c>generation_config.json</c>, else the tokenizer's files.
/// </summary>
internal static class SpecialTokens
{
    private const string Suffix = "_id";

    /// <summary>The fields.</summary>
    public static IReadOnlyList<string> Fields { get; } = ["bos_token_id", "eos_token_id", "pad_token_id"];

    /// <summary>The value of each field; null where nothing says it.</summary>
    /// <param name="model">LitGPT's configuration.</param>
    /// <param name="directory">Where the files lie.</param>
    /// <param name="beside">The <c>config.json</c> there, or null.</param>
    /// <param name="generation">The file of <c>generation_config.json</c>.</param>
    public static IReadOnlyDictionary<string, JsonNode?> Of(ModelConfiguration model, string directory, JsonObject? beside, string generation)
    {
        var said = Read(generation);
        return Fields.ToDictionary(
            field => field,
            field => beside?[field]?.DeepClone() ?? (IsNumbers(said?[field]) ? said![field]!.DeepClone() : null)
                ?? (TokenizerTokens.Number(directory, field[..^Suffix.Length], model.PaddedVocabularySize) is { } number ? JsonValue.Create(number) : null));
    }

    private static bool IsNumbers(JsonNode? value) => value is JsonArray { Count: > 0 } list ? list.All(IsNumber) : IsNumber(value);

    private static bool IsNumber(JsonNode? value) => value is JsonValue plain && plain.GetValueKind() == JsonValueKind.Number;

    /// <summary>The object in the file; null where it has none, as some that were published. It comes along as it is, whatever it says.</summary>
    private static JsonObject? Read(string path)
    {
        try
        {
            return JsonFile.Read(path);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Malformed)
        {
            return null;
        }
    }
}
