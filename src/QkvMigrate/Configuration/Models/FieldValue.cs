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
    /// <summary>YAML's null.</summary>
    public bool IsNull => Text is null && Items is null && Fields is null;
}
