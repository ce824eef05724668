namespace QkvMigrate.Configuration.Models;

/// <summary>
/// The value of a configuration's field: null, plain text, a list of plain texts, or a mapping of names to plain texts.
/// LitGPT's <c>Config</c> has no deeper ones.
/// </summary>
/// <param name="Line">The line of the field, from 1.</param>
/// <param name="Text">Plain text, or null.</param>
/// <param name="Items">A list, or null.</param>
/// <param name="Fields">A mapping, or null.</param>
internal sealed record FieldValue(long Line, string? Text = null, IReadOnlyList<string?>? Items = null, IReadOnlyDictionary<string, string?>? Fields = null)
{
    /// <summary>Whether a plain text is one for its quotes, whatever it says.</summary>
    public bool IsQuoted { get; private init; }

    /// <summary>The text where it may be a number or a truth value.</summary>
    public string? Unquoted => IsQuoted ? null : Text;

    /// <summary>YAML's null.</summary>
    public bool IsNull => Text is null && Items is null && Fields is null;

    /// <summary>The value of <paramref name="field"/>.</summary>
    /// <exception cref="MigrationException">It is nested deeper.</exception>
    public static FieldValue Of(YamlField field)
    {
        var line = field.FirstLine + 1;
        return field.Value switch
        {
            { Scalar: { } scalar } => new FieldValue(line, scalar.TextOrNull) { IsQuoted = !scalar.IsPlain },
            { Items: { } items } => new FieldValue(line, Items: [.. items.Select(item => item.TextOrNull)]),
            { Fields: { } fields } => new FieldValue(line, Fields: fields.ToDictionary(inner => inner.Key, inner => inner.Value.TextOrNull)),
            _ =>
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"field {field.Name} is nested; LitGPT's configuration has plain values, lists and mappings of them",
                    where: $"line {line}"),
        };
    }
}
