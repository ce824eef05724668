using System.Globalization;
using System.Text.Json;

namespace QkvMigrate.Configuration;

/// <summary>Reads the sizes out of configuration files of LitGPT and of Hugging Face. Only the top level's plain values are looked at.</summary>
internal static class ConfigurationReader
{
    /// <summary>Bytes of the largest configuration that is read; real ones have a few thousand.</summary>
    public const int MaximumBytes = 4 << 20;

    private const int MaximumDepth = 64;

    /// <summary>
    /// The names under which configurations give <c>n_head</c>, <c>n_query_groups</c>, <c>head_size</c> and <c>n_embd</c>:
    /// LitGPT's own first, then those of the Hugging Face models that LitGPT converts.
    /// </summary>
    private static readonly string[][] Names =
    [
        ["n_head", "num_attention_heads"],
        ["n_query_groups", "num_key_value_heads", "num_kv_heads", "n_head_kv"],
        ["head_size", "head_dim"],
        ["n_embd", "hidden_size", "n_embed"],
    ];

    /// <summary>Reads <paramref name="path"/>, YAML or JSON by its content; reports call it <paramref name="source"/>.</summary>
    /// <exception cref="MigrationException">The file cannot be read, is no mapping, or gives a size that is no whole number.</exception>
    public static ConfigurationNumbers Read(string path, string source)
    {
        try
        {
            var text = ReadText(path);
            var values = text.AsSpan().TrimStart().StartsWith("{") ? Json(text) : Yaml(text);
            var numbers = Names.Select(names => Number(values, names)).ToArray();
            return new ConfigurationNumbers(source, numbers[0], numbers[1] ?? FalconGroups(values), numbers[2], numbers[3]);
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>The text of a configuration file.</summary>
    /// <exception cref="MigrationException">It cannot be read, or is too large to be one.</exception>
    public static string ReadText(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            return length <= MaximumBytes
                ? File.ReadAllText(path)
                : throw new MigrationException(FailureKind.Malformed, $"{length} bytes are more than the {MaximumBytes} that a configuration may have", path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, path, inner: error);
        }
    }

    /// <summary>The top level of a YAML mapping: plain values as they are written, null for anything nested.</summary>
    public static Dictionary<string, string?> Yaml(string text) =>
        YamlFields.Parse(text).ToDictionary(field => field.Name, field => field.Scalar);

    /// <summary>The top level of a JSON object: plain values as they are written, null for anything nested.</summary>
    private static Dictionary<string, string?> Json(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaximumDepth, AllowDuplicateProperties = false });
            var root = document.RootElement;

            // Multimodal models keep the language model's sizes one level below.
            if (root.TryGetProperty("text_config", out var inner) && inner.ValueKind == JsonValueKind.Object)
            {
                root = inner;
            }

            return root.EnumerateObject().ToDictionary(
                property => property.Name,
                property => property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? null : property.Value.ToString());
        }
        catch (JsonException error)
        {
            throw new MigrationException(FailureKind.Malformed, $"no JSON object: {error.Message}", inner: error);
        }
    }

    private static int? Number(Dictionary<string, string?> values, string[] names)
    {
        var name = names.FirstOrDefault(name => values.GetValueOrDefault(name) is { Length: > 0 } text && !IsNull(text));
        return name is null ? null
            : int.TryParse(values[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new MigrationException(FailureKind.Malformed, $"'{values[name]}' is no whole number", where: $"field {name}");
    }

    /// <summary>
    /// Falcon says multi-query attention by a flag (transformers, configuration_falcon.py: <c>multi_query</c>, which
    /// <c>new_decoder_architecture</c> overrides with <c>num_kv_heads</c>).
    /// </summary>
    private static int? FalconGroups(Dictionary<string, string?> values) =>
        bool.TryParse(values.GetValueOrDefault("multi_query"), out var single) && single
        && !(bool.TryParse(values.GetValueOrDefault("new_decoder_architecture"), out var young) && young) ? 1 : null;

    private static bool IsNull(string text) => text is "null" or "~" or "Null" or "NULL";
}
