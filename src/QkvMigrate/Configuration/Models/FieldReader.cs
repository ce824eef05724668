using System.Globalization;

namespace QkvMigrate.Configuration.Models;

/// <summary>
/// Takes fields out of a configuration by name, each under whichever of its names it has, and in the end tells of those
/// that nobody took: a field that is not understood may be one that changes what the model computes.
/// </summary>
internal sealed class FieldReader(IReadOnlyDictionary<string, FieldValue> fields)
{
    /// <summary>The largest whole number that is taken: no size of LitGPT's models comes near it.</summary>
    public const int MaximumCount = 1 << 24;

    private readonly HashSet<string> taken = [];

    /// <summary>The field, or null where it is missing or null.</summary>
    public FieldValue? Take(params ReadOnlySpan<string> names)
    {
        FieldValue? found = null;
        foreach (var name in names)
        {
            taken.Add(name);
            if (fields.TryGetValue(name, out var value) && !value.IsNull)
            {
                found ??= value;
            }
        }

        return found;
    }

    /// <summary>A whole number from 1 on, or null.</summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public int? Count(params ReadOnlySpan<string> names) =>
        Take(names) is not { } value ? null
        : int.TryParse(value.Unquoted, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= MaximumCount ? number
        : throw Wrong(names[0], value, $"a whole number from 1 to {MaximumCount}");

    /// <summary>A number greater than 0, or null.</summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public double? Positive(params ReadOnlySpan<string> names) =>
        Take(names) is not { } value ? null : Number(value.Unquoted) is > 0 and var number ? number : throw Wrong(names[0], value, "a number greater than 0");

    /// <summary>A number from 0 to 1, or null.</summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public double? Fraction(params ReadOnlySpan<string> names) =>
        Take(names) is not { } value ? null : Number(value.Unquoted) is >= 0 and <= 1 and var number ? number : throw Wrong(
            names[0],
            value,
            "a number from 0 to 1");

    /// <summary>True or false, or null.</summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public bool? Flag(params ReadOnlySpan<string> names) =>
        Take(names) is not { } value ? null : bool.TryParse(value.Unquoted, out var flag) ? flag : throw Wrong(names[0], value, "true or false");

    /// <summary>
    /// A list of 0 and 1, one a layer, or null. LitGPT takes the initial part of a longer one (litgpt/config.py,
    /// <c>check_indicator_and_length</c>).
    /// </summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public IReadOnlyList<bool>? Layers(string name, int layers) =>
        Take(name) is not { } value ? null
        : value.Items is { } items && items.Count >= layers
            ? [.. items.Take(layers).Select(item => item switch
            {
                "1" or "true" or "True" => true,
                "0" or "false" or "False" => false,
                _ => throw new MigrationException(FailureKind.Malformed, $"{name} has '{item}', expected 0 or 1", where: $"line {value.Line}"),
            })]
        : throw Wrong(name, value, $"a list of {layers} numbers, one a layer");

    /// <summary>One of the words that <paramref name="meanings"/> explains, or null.</summary>
    /// <exception cref="MigrationException">The field is something else.</exception>
    public T? Word<T>(IReadOnlyDictionary<string, T> meanings, params ReadOnlySpan<string> names)
        where T : struct =>
        Take(names) is not { } value ? null
        : value.Text is { } text && meanings.TryGetValue(text, out var meaning) ? meaning
        : throw Wrong(names[0], value, string.Join(" or ", meanings.Keys));

    /// <summary>Refuses the configuration where <paramref name="name"/> asks for something.</summary>
    /// <param name="name">The field.</param>
    /// <param name="neutral">What the field may be besides null: the values with which it asks for nothing.</param>
    /// <param name="problem">Why it is refused otherwise.</param>
    public void Refuse(string name, IReadOnlyList<string> neutral, string problem)
    {
        if (Take(name) is { } value && !(value.Text is { } text && neutral.Contains(text)))
        {
            throw new MigrationException(FailureKind.Unsupported, $"{problem}: field {name} is {Shown(value)}", where: $"line {value.Line}");
        }
    }

    /// <summary>Refuses the configuration where it has a field, not null, that was never taken.</summary>
    public void RefuseOthers()
    {
        foreach (var (name, value) in fields)
        {
            if (!value.IsNull && !taken.Contains(name))
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"field {name} is none of LitGPT's: what the model should do about it is not known",
                    where: $"line {value.Line}");
            }
        }
    }

    /// <summary>A finite number in PyYAML's or JSON's form, or null.</summary>
    public static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>The failure of a field that is not what it has to be.</summary>
    public static MigrationException Wrong(string name, FieldValue value, string expected) =>
        new(FailureKind.Malformed, $"field {name} is {Shown(value)}, expected {expected}", where: $"line {value.Line}");

    private static string Shown(FieldValue value) =>
        value.Text is { } text ? (value.IsQuoted ? $"the text '{text}'" : $"'{text}'") : value.Items is not null ? "a list" : "a mapping";
}
