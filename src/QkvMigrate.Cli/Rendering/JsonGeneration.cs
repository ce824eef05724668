using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Torch.Generation;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a model generated as one JSON document.</summary>
internal static class JsonGeneration
{
    private const int SchemaVersion = 1;

    /// <summary>Writes the document; <paramref name="text"/> is null where the prompt was no text.</summary>
    public static void Write(TextWriter writer, GenerationResult result, string? text) =>
        writer.WriteLine(JsonSerializer.Serialize(
            new JsonGenerated(SchemaVersion, result.Layout.Name, result.Tokens, text, result.PromptLogits),
            JsonGenerationContext.Default.JsonGenerated));
}

/// <summary>The checkpoint's layout, the prompt's tokens and the new ones, their text, and for each token of the prompt the logits behind it.</summary>
internal sealed record JsonGenerated(int SchemaVersion, string Layout, IReadOnlyList<int> Tokens, string? Text, IReadOnlyList<float[]> Logits);

/// <summary>
/// Serializers that are made when the program is built. A broken model's logits need not be numbers: they are written as "NaN"
/// and "Infinity".
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(JsonGenerated))]
internal sealed partial class JsonGenerationContext : JsonSerializerContext;
