using System.Text.Json;
using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>
/// Reads the file of a family. It is part of the program, so that what is wrong in it is a fault and no refusal; a word
/// that nobody knows is one.
/// </summary>
internal sealed class ModelFamilyReader
{
    private static readonly HashSet<string> Fields =
        ["name", "like", "title", "models", "names", "notNames", "toldByName", "requires", "structure", "fused", "head", "tiesByDefault", "modules", "stacked", "modelTypes", "partOf", "config", "shapes"];

    private readonly JsonObject file;
    private readonly ModelFamily? like;

    private ModelFamilyReader(JsonObject file, ModelFamily? like)
    {
        this.file = file;
        this.like = like;
        if (file.FirstOrDefault(field => !Fields.Contains(field.Key)) is { Key: { } unknown })
        {
            throw Wrong($"has '{unknown}', which no family has");
        }
    }

    /// <summary>Reads the families of several files, one of which may be said to be like another.</summary>
    public static IReadOnlyList<ModelFamily> Read(IEnumerable<string> texts)
    {
        var files = texts
            .Select(text => JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false })!.AsObject())
            .ToDictionary(file => (string)file["name"]!, StringComparer.Ordinal);
        var families = new Dictionary<string, ModelFamily>(StringComparer.Ordinal);
        return [.. files.Keys.Order(StringComparer.Ordinal).Select(name => Find(name, 0))];

        ModelFamily Find(string name, int depth)
        {
            if (!families.TryGetValue(name, out var family))
            {
                var parent = files[name]["like"] is { } other && depth < files.Count ? Find((string)other!, depth + 1) : null;
                families.Add(name, family = new ModelFamilyReader(files[name], parent).Read());
            }

            return family;
        }
    }

    private ModelFamily Read()
    {
        var family = new ModelFamily
        {
            Name = Text("name", null),
            Title = Text("title", null),
            Models = Text("models", null),
            Names = Texts(file["names"]),
            OtherNames = Texts(file["notNames"]),
            IsToldByName = file["toldByName"]?.GetValue<bool>() ?? false,
            Requirements = Conditions("requires", like?.Requirements),
            Structure = Conditions("structure", null),
            Fused = Enum.TryParse<FusedTreatment>(Text("fused", like?.Fused.ToString()), ignoreCase: true, out var fused)
                ? fused
                : throw Wrong("has a treatment of the fused matrix that there is not"),
            TiesHead = Text("head", like is null ? null : like.TiesHead ? "tied" : "own") switch
            {
                "tied" => true,
                "own" => false,
                _ => throw Wrong("has a head that is neither tied nor its own"),
            },
            TiesByDefault = file["tiesByDefault"]?.GetValue<bool>() ?? false,
            Modules = Merged("modules", like?.Modules, node => node is JsonArray ? Texts(node) : [(string)node!]),
            Stacked = Merged("stacked", like?.Stacked, Texts),
            ModelTypes = file["modelTypes"] is { } types ? Texts(types) : like?.ModelTypes ?? [],
            PartOf = Texts(file["partOf"]),
            Configuration = Merged("config", like?.Configuration, node => node),
            ShapeFields = Shapes(),
        };
        Check(family);
        return family;
    }

    private void Check(ModelFamily family)
    {
        if (family.Modules.GetValueOrDefault(ModelParameters.Fused)?.Count != (family.Fused == FusedTreatment.Split ? 3 : 1))
        {
            throw Wrong("has another number of names for the fused matrix than its treatment makes");
        }

        if (family.Modules.Any(module => module.Key != ModelParameters.Fused && module.Value.Count != 1))
        {
            throw Wrong("has several names for one module");
        }

        var values = family.Configuration.Values.Concat(family.ShapeFields.Values)
            .Select(Variable)
            .OfType<string>()
            .Concat(family.Requirements.Keys)
            .Concat(family.Structure.Keys);
        if (values.FirstOrDefault(value => !ModelValues.IsOne(value)) is { } unknown)
        {
            throw Wrong($"asks for '{unknown}', which no configuration says");
        }

        if (family.ShapeFields.Keys.FirstOrDefault(field => !family.Configuration.ContainsKey(field)) is { } missing)
        {
            throw Wrong($"compares '{missing}', which is no field of its configuration");
        }
    }

    /// <summary>The name of <see cref="ModelValues"/> that a value of the file stands for, or null for a plain one.</summary>
    public static string? Variable(JsonNode? value) =>
        value is JsonValue plain && plain.GetValueKind() == JsonValueKind.String && (string)plain! is ['$', .. var name] ? name : null;

    private Dictionary<string, IReadOnlyList<JsonNode?>> Conditions(string field, IReadOnlyDictionary<string, IReadOnlyList<JsonNode?>>? inherited) =>
        Merged(field, inherited, node => (IReadOnlyList<JsonNode?>)[.. node.AsArray().Select(value => value?.DeepClone())]);

    /// <summary>The fields that decide shapes: null stands for one that must be there, so that nothing inherited can be taken away by it.</summary>
    private Dictionary<string, JsonNode?> Shapes() =>
        file["shapes"] is JsonObject own ? own.ToDictionary(field => field.Key, field => field.Value?.DeepClone(), StringComparer.Ordinal)
        : like?.ShapeFields.ToDictionary(
            field => field.Key,
            field => field.Value,
            StringComparer.Ordinal) ?? throw Wrong("does not say which fields decide shapes");

    /// <summary>What the family has of its own on top of what it inherits; null takes something away.</summary>
    private Dictionary<string, T> Merged<T>(string field, IReadOnlyDictionary<string, T>? inherited, Func<JsonNode, T> read)
    {
        var merged = inherited?.ToDictionary(
            entry => entry.Key,
            entry => entry.Value,
            StringComparer.Ordinal) ?? new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var (name, value) in file[field]?.AsObject() ?? [])
        {
            if (value is not null)
            {
                merged[name] = read(value);
            }
            else if (!merged.Remove(name))
            {
                throw Wrong($"takes away '{name}', which it does not inherit");
            }
        }

        return merged;
    }

    private string Text(string field, string? inherited) => (string?)file[field] ?? inherited ?? throw Wrong($"has no {field}");

    private static List<string> Texts(JsonNode? values) => values is null ? [] : [.. values.AsArray().Select(value => (string)value!)];

    private InvalidOperationException Wrong(string problem) => new($"the family {(string?)file["name"]} {problem}");
}
