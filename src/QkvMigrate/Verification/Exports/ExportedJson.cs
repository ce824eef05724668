using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using QkvMigrate.Files;

namespace QkvMigrate.Verification.Exports;

/// <summary>JSON documents as flat lists: a path and a plain value for each leaf. Numbers are compared by what they are worth.</summary>
internal static class ExportedJson
{
    private const int MaximumBytes = 32 << 20;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>The leaves of the object in a file; null, and a difference, where it is none.</summary>
    public static Dictionary<string, string>? Read(string path, string place, DifferenceLog log)
    {
        try
        {
            using var document = JsonDocument.Parse(SourceFile.ReadAll(path, MaximumBytes, "a JSON document"), Options);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return Leaves(document.RootElement);
            }

            log.Add(place, "no JSON object");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            log.Add(place, $"no JSON object: {error.Message}");
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Io)
        {
            log.Add(place, error.Problem);
        }

        return null;
    }

    /// <summary>The leaves of an object.</summary>
    public static Dictionary<string, string> Leaves(JsonObject content)
    {
        using var document = JsonDocument.Parse(content.ToJsonString());
        return Leaves(document.RootElement);
    }

    /// <summary>The leaves of an object.</summary>
    public static Dictionary<string, string> Leaves(JsonElement content)
    {
        var leaves = new Dictionary<string, string>();
        Walk("", content, leaves);
        return leaves;
    }

    /// <summary>Compares the leaves that there must be with those that there are.</summary>
    public static void Compare(IReadOnlyDictionary<string, string> expected, IReadOnlyDictionary<string, string> found, string place, DifferenceLog log)
    {
        foreach (var (path, value) in expected.OrderBy(leaf => leaf.Key, StringComparer.Ordinal))
        {
            if (found.GetValueOrDefault(path) is var other && other != value)
            {
                log.Add(place, $"{path} is {other ?? "missing"}, expected {value}");
            }
        }

        foreach (var (path, value) in found.Where(leaf => !expected.ContainsKey(leaf.Key)).OrderBy(leaf => leaf.Key, StringComparer.Ordinal))
        {
            log.Add(place, $"{path} is {value}, and nothing says so");
        }
    }

    private static void Walk(string path, JsonElement value, Dictionary<string, string> leaves)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                leaves.Add($"{path}{{}}", "an object");
                foreach (var field in value.EnumerateObject())
                {
                    // A name with a dot in it is a leaf's whole name: weight_map is not told apart from nested objects.
                    Walk(path.Length == 0 ? field.Name : $"{path}/{field.Name}", field.Value, leaves);
                }

                break;
            case JsonValueKind.Array:
                leaves.Add($"{path}[]", $"a list of {value.GetArrayLength().ToString(CultureInfo.InvariantCulture)}");
                foreach (var (i, item) in value.EnumerateArray().Index())
                {
                    Walk($"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", item, leaves);
                }

                break;
            case JsonValueKind.Number:
                leaves.Add(
                    path,
                    value.TryGetInt64(out var whole) ? whole.ToString(CultureInfo.InvariantCulture) : value.GetDouble().ToString("R", CultureInfo.InvariantCulture));
                break;
            default:
                leaves.Add(path, value.GetRawText());
                break;
        }
    }
}
