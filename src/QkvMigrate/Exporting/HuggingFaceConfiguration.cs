using System.Text.Json;
using System.Text.Json.Nodes;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>
/// The configuration of an exported model: the <c>config.json</c> that lies beside the checkpoint, held against LitGPT's, or one
/// that is made.
/// </summary>
/// <param name="Documents">What is written.</param>
/// <param name="KeptFiles">What comes along as it is.</param>
/// <param name="Advice">What the user should know.</param>
internal sealed record HuggingFaceConfiguration(IReadOnlyList<ExportedDocument> Documents, IReadOnlyList<string> KeptFiles, IReadOnlyList<Advice> Advice)
{
    private const string FileName = "config.json";
    private const string GenerationName = "generation_config.json";

    /// <summary>The files beside a checkpoint that are read for it.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [FileName, GenerationName];

    private const string Tied = "tie_word_embeddings";

    /// <summary>Today's name of the element type, and that until 2025.</summary>
    private static readonly string[] TypeNames = ["dtype", "torch_dtype"];

    /// <summary>The configuration of a model.</summary>
    /// <param name="family">What it becomes.</param>
    /// <param name="model">LitGPT's configuration.</param>
    /// <param name="directory">Where its files lie.</param>
    /// <param name="tensors">What it is made of.</param>
    /// <param name="head">Whether its output head is its embedding.</param>
    /// <exception cref="MigrationException">The one beside the checkpoint contradicts LitGPT's.</exception>
    public static HuggingFaceConfiguration Of(
        ModelFamily family,
        ModelConfiguration model,
        string directory,
        IReadOnlyList<ExportedTensor> tensors,
        OutputHead head)
    {
        var made = Make(family, model);
        var dtype = tensors.GroupBy(tensor => tensor.DType).MaxBy(same => same.Sum(tensor => tensor.Bytes))!.Key;
        var beside = JsonFile.Read(Path.Combine(directory, FileName));
        var isMade = beside is null || IsOfAnother(family, beside);
        var result = isMade
            ? Made(family, made, dtype, beside, SpecialTokens.Of(model, directory, beside, Path.Combine(directory, GenerationName)))
            : Kept(family, model, made, beside!, Path.Combine(directory, FileName), dtype, head);
        return File.Exists(Path.Combine(directory, GenerationName))
            ? result with { KeptFiles = [.. result.KeptFiles, GenerationName] }
            : result.WithGeneration(isMade ? made : beside!);
    }

    private static HuggingFaceConfiguration Made(
        ModelFamily family,
        JsonObject made,
        DType dtype,
        JsonObject? beside,
        IReadOnlyDictionary<string, JsonNode?> tokens)
    {
        foreach (var name in TypeNames)
        {
            made[name] = dtype.Name;
        }

        foreach (var (name, number) in tokens)
        {
            made[name] = number;
        }

        made[Tied] = family.TiesHead;
        var unknown = SpecialTokens.Fields.Where(name => tokens[name] is null).ToList();
        return new HuggingFaceConfiguration(
            [ExportedDocument.Json(FileName, Sorted(made))],
            [],
            [new Advice(
                "config-made",
                $"{FileName} was made from LitGPT's configuration{(beside is null ? $", for {family.Title}" : $": the one beside the checkpoint is of a model_type '{(string?)beside["model_type"]}', of which this model is a part")}"
                + (unknown.Count == 0 ? "" : $"; no file beside the checkpoint says {string.Join(", ", unknown)}"))]);
    }

    private static HuggingFaceConfiguration Kept(
        ModelFamily family,
        ModelConfiguration model,
        JsonObject made,
        JsonObject beside,
        string path,
        DType dtype,
        OutputHead head)
    {
        Compare(family, model, made, beside);
        var changes = new List<string>();
        foreach (var name in TypeNames.Where(beside.ContainsKey))
        {
            Change(name, dtype.Name);
        }

        // Loaded with tied embeddings, a head of the file would be passed over; loaded without, one that was left out would be made up.
        var said = beside[Tied];
        var isTied = said is null ? family.TiesByDefault
            : said.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? said.GetValue<bool>()
            : throw new MigrationException(FailureKind.Malformed, $"{Tied} is {ModelFamily.Text(said)}, expected true or false", path);
        if (family.TiesHead ? !isTied : isTied && head.Differs)
        {
            Change(Tied, family.TiesHead);
        }

        return changes.Count == 0
            ? new HuggingFaceConfiguration([], [FileName], [])
            : new HuggingFaceConfiguration(
                [ExportedDocument.Json(FileName, beside)],
                [],
                [new Advice("config-changed", $"{FileName} is the one beside the checkpoint, but for {string.Join(" and ", changes)}")]);

        void Change(string name, JsonNode value)
        {
            if (!ModelFamily.AreSame(beside[name], value))
            {
                changes.Add($"{name}, which was {ModelFamily.Text(beside[name])} and is {ModelFamily.Text(value)}");
                beside[name] = value;
            }
        }
    }

    /// <summary>Holds the fields that decide shapes against LitGPT's.</summary>
    private static void Compare(ModelFamily family, ModelConfiguration model, JsonObject made, JsonObject beside)
    {
        var type = beside["model_type"];
        if (!family.ModelTypes.Any(known => ModelFamily.AreSame(type, known)))
        {
            throw Contradicts($"model_type is {ModelFamily.Text(type)}, expected {string.Join(" or ", family.ModelTypes)}");
        }

        foreach (var (field, missing) in family.ShapeFields)
        {
            var own = beside[field] ?? (ModelFamilyReader.Variable(missing) is { } name ? ModelValues.Of(model, name) : missing);
            if (!ModelFamily.AreSame(own, made[field]))
            {
                throw Contradicts($"{field} is {ModelFamily.Text(own)}, expected {ModelFamily.Text(made[field])}");
            }
        }

        static MigrationException Contradicts(string problem) =>
            new(
                FailureKind.Conflict,
                $"{FileName} beside the checkpoint contradicts LitGPT's configuration: {problem}; correct the one that is wrong, or take {FileName} away, and one is made");
    }

    private HuggingFaceConfiguration WithGeneration(JsonObject configuration)
    {
        var generation = new JsonObject { ["_from_model_config"] = true };
        foreach (var name in SpecialTokens.Fields.Where(configuration.ContainsKey))
        {
            generation[name] = configuration[name]?.DeepClone();
        }

        return this with { Documents = [.. Documents, ExportedDocument.Json(GenerationName, generation)] };
    }

    private static JsonObject Make(ModelFamily family, ModelConfiguration model) => new(
        family.Configuration.Select(field => KeyValuePair.Create(field.Key, ModelFamilyReader.Variable(field.Value) is { } name ? ModelValues.Of(model, name) : field.Value?.DeepClone())));

    private static JsonObject Sorted(JsonObject configuration) =>
        new(configuration.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));

    private static bool IsOfAnother(ModelFamily family, JsonObject beside) => family.PartOf.Any(type => ModelFamily.AreSame(beside["model_type"], type));
}
