using System.Globalization;
using System.Text;
using System.Text.Json;
using QkvMigrate.Files;

namespace QkvMigrate.Configuration;

/// <summary>Reads the sizes out of configuration files of LitGPT and of Hugging Face. Only the top level's plain values are looked at.</summary>
internal static class ConfigurationReader
{
    /// <summary>Bytes of the largest configuration that is read; real ones have a few thousand.</summary>
    public const int MaximumBytes = 4 << 20;

    /// <summary>What some editors put before the text; neither YAML nor JSON counts it in.</summary>
    public const char ByteOrderMark = '\uFEFF';

    private const int MaximumDepth = 64;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

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
            var text = ReadText(path).TrimStart(ByteOrderMark);
            var values = IsJson(text) ? Json(text) : Yaml(text);
            var numbers = Names.Select(names => Number(values, names)).ToArray();
            return new ConfigurationNumbers(source, numbers[0], FalconGroups(values) ?? numbers[1], numbers[2], numbers[3]);
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>The text of a configuration file, with its byte order mark where it has one, so that it can be written again to the byte.</summary>
    /// <exception cref="MigrationException">It cannot be read, is too large to be one, or is no UTF-8.</exception>
    public static string ReadText(string path)
    {
        try
        {
            return Utf8.GetString(SourceFile.ReadAll(path, MaximumBytes, "a configuration"));
        }
        catch (DecoderFallbackException error)
        {
            throw new MigrationException(FailureKind.Malformed, "no UTF-8", path, offset: error.Index, inner: error);
        }
    }

    /// <summary>Whether YAML 1.1 takes the plain text for null (yaml.org/type/null.html).</summary>
    public static bool IsNull(string text) => text is "" or "null" or "~" or "Null" or "NULL";

    /// <summary>The top level of a YAML mapping: plain values as they are written, null for anything nested.</summary>
    private static Dictionary<string, YamlScalar?> Yaml(string text) =>
        YamlFields.Parse(text).ToDictionary(field => field.Name, field => field.Value.Scalar);

    /// <summary>A mapping in braces is JSON where its first name stands in double quotes; YAML's flow style need not quote.</summary>
    private static bool IsJson(string text)
    {
        var start = text.AsSpan().TrimStart();
        return start.StartsWith("{") && start[1..].TrimStart() is ['"' or '}', ..];
    }

    /// <summary>The top level of a JSON object: plain values as they are written, null for anything nested.</summary>
    private static Dictionary<string, YamlScalar?> Json(string text)
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

            if (root.ValueKind == JsonValueKind.Object && root.GetPropertyCount() > YamlFields.MaximumFields)
            {
                throw new MigrationException(FailureKind.Unsupported, $"more than {YamlFields.MaximumFields} fields, as no configuration has");
            }

            return root.EnumerateObject().ToDictionary(
                property => property.Name,
                property => property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array
                    ? (YamlScalar?)null
                    : new YamlScalar(property.Value.ToString(), IsPlain: property.Value.ValueKind != JsonValueKind.String));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The second is what JsonElement says of half a surrogate pair.
            throw new MigrationException(FailureKind.Malformed, $"no JSON object: {error.Message}", inner: error);
        }
    }

    private static int? Number(Dictionary<string, YamlScalar?> values, string[] names)
    {
        var name = names.FirstOrDefault(name => values.GetValueOrDefault(name) is { IsNull: false });
        return name is null || values[name] is not { } value ? null
            : int.TryParse(value.Plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new MigrationException(
                FailureKind.Malformed,
                value.IsPlain ? $"'{value.Text}' is no whole number" : $"'{value.Text}' is a text for its quotes, and no whole number",
                where: $"field {name}");
    }

    /// <summary>
    /// Falcon says multi-query attention by a flag, which goes before <c>num_kv_heads</c> but for the
    /// <c>new_decoder_architecture</c> (transformers, modeling_falcon.py, FalconAttention); a saved Falcon-7B has 71 there.
    /// </summary>
    private static int? FalconGroups(Dictionary<string, YamlScalar?> values) =>
        IsTrue(values, "multi_query") && !IsTrue(values, "new_decoder_architecture") ? 1 : null;

    private static bool IsTrue(Dictionary<string, YamlScalar?> values, string name) =>
        bool.TryParse(values.GetValueOrDefault(name)?.Plain, out var flag) && flag;
}
