namespace QkvMigrate.Configuration;

/// <summary>
/// The value of a field, as far as configurations go: plain, a list of plain values, or a mapping of names to plain values. A
/// value that is nested deeper has none of the three.
/// </summary>
/// <param name="Scalar">The plain value, or null.</param>
/// <param name="Items">The list, or null.</param>
/// <param name="Fields">The mapping, or null.</param>
internal sealed record YamlValue(YamlScalar? Scalar = null, IReadOnlyList<YamlScalar>? Items = null, IReadOnlyDictionary<string, YamlScalar>? Fields = null);

/// <summary>A plain value.</summary>
/// <param name="Text">The value as it is written, without quotes.</param>
/// <param name="IsNull">Whether YAML 1.1 takes it for null: the word must not stand in quotes.</param>
internal readonly record struct YamlScalar(string Text, bool IsNull)
{
    /// <summary>The text, or null for YAML's null.</summary>
    public string? TextOrNull => IsNull ? null : Text;
}
