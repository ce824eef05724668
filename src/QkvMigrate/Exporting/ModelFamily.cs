using System.IO.Enumeration;
using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>What becomes of the fused matrix of q, k and v.</summary>
internal enum FusedTreatment
{
    /// <summary>Three matrices.</summary>
    Split,

    /// <summary>One matrix, its rows interleaved per query group.</summary>
    Interleaved,

    /// <summary>One matrix, all of q before all of k before all of v.</summary>
    Sequential,
}

/// <summary>
/// A family of Hugging Face's models, and how LitGPT's tensors and fields become its. Pure data, read from a file in
/// <c>Exporting/Families</c>: a new family is a new file.
/// </summary>
internal sealed record ModelFamily
{
    /// <summary>The word for it in JSON and in records; the name of its file.</summary>
    public required string Name { get; init; }

    /// <summary>Its name in messages.</summary>
    public required string Title { get; init; }

    /// <summary>Which models belong to it, in one phrase.</summary>
    public required string Models { get; init; }

    /// <summary>Patterns of LitGPT's <c>name</c>, with <c>*</c>; one that fits decides for the family.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Patterns of names that are another family's, though one of <see cref="Names"/> fits.</summary>
    public required IReadOnlyList<string> OtherNames { get; init; }

    /// <summary>Whether the family is only ever told by a name: its blocks are those of another one.</summary>
    public required bool IsToldByName { get; init; }

    /// <summary>For a name of <see cref="ModelValues"/>, the values of which the configuration must have one.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<JsonNode?>> Requirements { get; init; }

    /// <summary>What it must have besides where its name does not tell the family.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<JsonNode?>> Structure { get; init; }

    /// <summary>What becomes of the fused matrix.</summary>
    public required FusedTreatment Fused { get; init; }

    /// <summary>Whether the output head is the embedding, and left out.</summary>
    public required bool TiesHead { get; init; }

    /// <summary>Whether a <c>config.json</c> that does not say <c>tie_word_embeddings</c> ties the two, though the head is not left out.</summary>
    public required bool TiesByDefault { get; init; }

    /// <summary>
    /// The modules of LitGPT's model, by their paths as <see cref="ModelParameter.Module"/> has them, and what they are called here: three
    /// names for a split one.
    /// </summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Modules { get; init; }

    /// <summary>Modules whose rows stand one behind the other in one module here.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Stacked { get; init; }

    /// <summary>The values of <c>model_type</c> with which a <c>config.json</c> can be this family's.</summary>
    public required IReadOnlyList<string> ModelTypes { get; init; }

    /// <summary>The values of <c>model_type</c> of larger models, of which this one is a part: a <c>config.json</c> of theirs does not describe it.</summary>
    public required IReadOnlyList<string> PartOf { get; init; }

    /// <summary>The <c>config.json</c> that is made: values as they are, and names of <see cref="ModelValues"/> behind a dollar.</summary>
    public required IReadOnlyDictionary<string, JsonNode?> Configuration { get; init; }

    /// <summary>
    /// The fields of it that decide shapes, and what one that is missing stands for: a value, or a name behind a dollar; null where it must
    /// be there.
    /// </summary>
    public required IReadOnlyDictionary<string, JsonNode?> ShapeFields { get; init; }

    /// <summary>Whether LitGPT's name for a model tells this family.</summary>
    public bool HasName(string name) => Fits(Names, name) && !Fits(OtherNames, name);

    /// <summary>The requirements that a configuration does not meet.</summary>
    /// <param name="model">The configuration.</param>
    /// <param name="isNamed">Whether its name tells the family.</param>
    public IEnumerable<string> Unmet(ModelConfiguration model, bool isNamed) =>
        from requirement in isNamed ? Requirements : Requirements.Concat(Structure)
        let found = ModelValues.Of(model, requirement.Key)
        where !requirement.Value.Any(value => AreSame(value, found))
        select $"{requirement.Key} is {Text(found)}, expected {string.Join(" or ", requirement.Value.Select(Text))}";

    /// <summary>Whether two plain values are the same: numbers by what they are worth.</summary>
    public static bool AreSame(JsonNode? left, JsonNode? right) => Text(left) == Text(right);

    /// <summary>A value as messages show it.</summary>
    public static string Text(JsonNode? value) => value switch
    {
        null => "null",
        JsonValue plain when plain.GetValueKind() == System.Text.Json.JsonValueKind.Number => Worth(plain),
        _ => value.ToJsonString(),
    };

    private static bool Fits(IReadOnlyList<string> patterns, string name) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    private static string Worth(JsonValue number) =>
        double.Parse(number.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture).ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
