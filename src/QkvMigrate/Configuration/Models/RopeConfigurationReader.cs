namespace QkvMigrate.Configuration.Models;

/// <summary>Reads the fields of the rotary embeddings.</summary>
internal static class RopeConfigurationReader
{
    private static readonly string[] Llama3 = ["low_freq_factor", "high_freq_factor", "original_max_seq_len"];

    /// <summary>The rotary embeddings.</summary>
    /// <exception cref="MigrationException">A field is none that LitGPT has, or the model here does not do what it asks for.</exception>
    public static RopeConfiguration Read(FieldReader fields, int layers) => new()
    {
        Base = fields.Positive("rope_base") ?? 10000,
        Percentage = fields.Fraction("rotary_percentage") ?? 0.25,
        CondenseRatio = fields.Positive("rope_condense_ratio", "condense_ratio") ?? 1,
        Adjustments = fields.Take("rope_adjustments") is { } value ? Adjustments(value) : null,
        LocalBase = fields.Positive("rope_local_base_freq"),
        IsLocal = fields.Layers("rope_indices", layers),
    };

    private static RopeAdjustments? Adjustments(FieldValue value)
    {
        const string field = "rope_adjustments";
        var given = value.Fields ?? throw FieldReader.Wrong(field, value, "a mapping");
        if (given.Count == 0)
        {
            return null;
        }

        foreach (var name in given.Keys)
        {
            if (name != "factor" && !Llama3.Contains(name))
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"the model here has no YaRN nor other stretching of rotations than Llama 3's and linear: field {field} has {name}",
                    where: $"line {value.Line}");
            }
        }

        var factor = Number("factor");
        return Llama3.Any(given.ContainsKey)
            ? new RopeAdjustments(factor, new Llama3Band(Number(Llama3[0]), Number(Llama3[1]), Number(Llama3[2])))
            : new RopeAdjustments(factor, null);

        double Number(string name) =>
            given.TryGetValue(name, out var text) && FieldReader.Number(text) is > 0 and var number
                ? number
                : throw new MigrationException(
                    FailureKind.Malformed,
                    $"{field} has {name} {(text is null ? "missing" : $"'{text}'")}, expected a number greater than 0",
                    where: $"line {value.Line}");
    }
}
