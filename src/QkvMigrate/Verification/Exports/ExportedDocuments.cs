using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// Holds the small files of an exported model against those beside the checkpoint: what came along is the same, byte for byte,
/// but for the element type in <c>config.json</c>; what was made says what LitGPT's configuration does.
/// </summary>
internal sealed class ExportedDocuments(
    OriginalModel original,
    ModelConfiguration model,
    ExportedFolder exported,
    DifferenceLog log,
    CancellationToken cancellation)
{
    /// <summary>The configuration's name.</summary>
    public const string ConfigurationName = "config.json";

    private const string GenerationName = "generation_config.json";
    private const string Tied = "tie_word_embeddings";
    private static readonly string[] TypeFields = ["dtype", "torch_dtype"];

    /// <summary>Values of <c>model_type</c> of which the exported model is only a part or an older name.</summary>
    private static readonly string[] OtherTypes = ["\"gemma3\"", "\"RefinedWeb\"", "\"RefinedWebModel\""];

    /// <summary>What transformers' tokenizers are read from (tokenization_utils_base.py, and the tokenizers of the families).</summary>
    private static readonly string[] TokenizerNames =
        ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "tekken.json", "chat_template.json", "chat_template.jinja"];

    private readonly ExpectedTokens tokens = new(original.Directory, model.PaddedVocabularySize);

    /// <summary>The fields of <c>config.json</c> by their paths; null where it cannot be read.</summary>
    public Dictionary<string, string>? Configuration { get; } = exported.Take(ConfigurationName)
        ? ExportedJson.Read(exported.At(ConfigurationName), Place(ConfigurationName), log)
        : Missing(log, ConfigurationName);

    /// <summary>The exported <c>model_type</c>, or null.</summary>
    public string? Type => Configuration?.GetValueOrDefault("model_type")?.Trim('"');

    /// <summary>Whether loading takes the embedding for the output head.</summary>
    public bool TiesHead(VerifiedFamily family) => Ties(Configuration, family);

    /// <summary>Compares all.</summary>
    public void Compare(VerifiedFamily family)
    {
        var beside = Beside(ConfigurationName) is { } path ? ExportedJson.Read(path, $"file '{path}'", log) : null;
        if (Configuration is { } found)
        {
            var isKept = beside is not null && !OtherTypes.Contains(beside.GetValueOrDefault("model_type"));
            if (isKept)
            {
                CompareKept(family, beside!, found);
            }
            else
            {
                CompareMade(family, beside, found);
            }

            CompareGeneration(isKept ? beside! : found);
        }

        foreach (var name in TokenizerNames)
        {
            CompareCopy(name);
        }
    }

    private void CompareKept(VerifiedFamily family, Dictionary<string, string> beside, Dictionary<string, string> found)
    {
        var expected = new Dictionary<string, string>(beside);
        foreach (var name in TypeFields.Where(beside.ContainsKey))
        {
            expected[name] = ElementType(found.GetValueOrDefault(name));
        }

        // A head of its own must not be passed over: the comparison of the weights knows whether it is one. And one that is not there must be the embedding.
        if (family.TiesHead ? !Ties(beside, family) : found.GetValueOrDefault(Tied) == "false")
        {
            expected[Tied] = family.TiesHead ? "true" : "false";
        }

        ExportedJson.Compare(expected, found, Place(ConfigurationName), log);
        var wanted = ExportedJson.Leaves(family.Configuration(model));
        var defaults = ExportedJson.Leaves(family.Defaults(model));
        foreach (var name in VerifiedFields.OfShapes.Where(wanted.ContainsKey).Order(StringComparer.Ordinal))
        {
            if ((found.GetValueOrDefault(name) is { } said and not "null" ? said : defaults.GetValueOrDefault(name)) is var worth && worth != wanted[name])
            {
                log.Add(Place(ConfigurationName), $"{name} is {worth ?? "missing"}, expected {wanted[name]}, which LitGPT's configuration says");
            }
        }
    }

    private void CompareMade(VerifiedFamily family, Dictionary<string, string>? beside, Dictionary<string, string> found)
    {
        var made = family.Configuration(model);
        made[Tied] = family.TiesHead;
        var expected = ExportedJson.Leaves(made);
        foreach (var name in TypeFields)
        {
            expected[name] = ElementType(found.GetValueOrDefault(name));
        }

        tokens.Expect(beside, Beside(GenerationName), expected);
        ExportedJson.Compare(expected, found, Place(ConfigurationName), log);
    }

    /// <summary>The element type of most bytes; of several with as many, the one that is said.</summary>
    private string ElementType(string? said)
    {
        var sizes = exported.Tensors.Values.GroupBy(tensor => $"\"{tensor.DType.Name}\"")
            .Select(same => (same.Key, Bytes: same.Sum(tensor => tensor.Storage.Length)))
            .ToList();
        var most = sizes.Select(size => size.Bytes).DefaultIfEmpty().Max();
        var fitting = sizes.FindAll(size => size.Bytes == most).ConvertAll(size => size.Key);
        return fitting.Contains(said!) ? said! : fitting.FirstOrDefault() ?? "none";
    }

    private void CompareGeneration(Dictionary<string, string> configuration)
    {
        if (CompareCopy(GenerationName))
        {
            return;
        }

        if (!exported.Take(GenerationName))
        {
            Missing(log, GenerationName);
        }
        else if (ExportedJson.Read(exported.At(GenerationName), Place(GenerationName), log) is { } found)
        {
            var expected = ExportedJson.Leaves(new JsonObject { ["_from_model_config"] = true });
            foreach (var (name, value) in configuration.Where(leaf => ExpectedTokens.IsOne(leaf.Key)))
            {
                expected[name] = value;
            }

            ExportedJson.Compare(expected, found, Place(GenerationName), log);
        }
    }

    /// <summary>Compares a file that came along; false where there is none beside the checkpoint.</summary>
    private bool CompareCopy(string name)
    {
        if (Beside(name) is null)
        {
            return false;
        }

        if (exported.Take(name))
        {
            FileComparison.Compare(original.Directory, exported.Path, name, log, cancellation);
        }
        else
        {
            Missing(log, name);
        }

        return true;
    }

    private static bool Ties(Dictionary<string, string>? configuration, VerifiedFamily family) =>
        configuration?.GetValueOrDefault(Tied) is { } said and not "null" ? said == "true" : family.TiesUnlessSaid;

    private string? Beside(string name) => Path.Combine(original.Directory, name) is var path && File.Exists(path) ? path : null;

    private static Dictionary<string, string>? Missing(DifferenceLog log, string name)
    {
        log.Add(Place(name), "it is not there");
        return null;
    }

    private static string Place(string name) => $"file '{name}'";
}
