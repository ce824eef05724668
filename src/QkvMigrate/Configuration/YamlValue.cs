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
/// <param name="IsPlain">Whether it stands without quotes: within them, a number, a truth value and null are texts.</param>
internal readonly record struct YamlScalar(string Text, bool IsPlain)
{
    /// <summary>Whether YAML 1.1 takes it for null.</summary>
    public bool IsNull => IsPlain && ConfigurationReader.IsNull(Text);

    /// <summary>What it says as a number, a truth value or null; null where it is a text for its quotes.</summary>
    public string? Plain => IsPlain ? Text : null;

    /// <summary>The text, or null for YAML's null.</summary>
    public string? TextOrNull => IsNull ? null : Text;
}
