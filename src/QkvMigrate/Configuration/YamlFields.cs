using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace QkvMigrate.Configuration;

/// <summary>A field of a YAML mapping's top level.</summary>
/// <param name="Name">The key.</param>
/// <param name="Value">The value.</param>
/// <param name="FirstLine">The line of the key, from 0.</param>
/// <param name="LastLine">The last line of the value, from 0.</param>
/// <param name="KeyColumn">Where the key starts in its line, from 0; negative where the mapping stands in braces.</param>
/// <param name="KeyLength">Characters of the key as it is written.</param>
internal sealed record YamlField(string Name, YamlValue Value, int FirstLine, int LastLine, int KeyColumn, int KeyLength)
{
    /// <summary>The value where it is plain, as it is written; null where it is a list or a mapping.</summary>
    public string? Scalar => Value.Scalar?.Text;

    /// <summary>The value where it is plain and stands without quotes; null for all else, which is no number.</summary>
    public string? Plain => Value.Scalar?.Plain;
}

/// <summary>
/// Reads the fields of a YAML mapping's top level and the lines that each takes up. JSON is YAML. This is the one reader of
/// LitGPT's configuration: what is rewritten, verified or built from it is read here.
/// </summary>
internal static class YamlFields
{
    /// <summary>Fields of the top level; LitGPT's configurations have less than a hundred.</summary>
    public const int MaximumFields = 1_000;

    private const int MaximumDepth = 64;
    private const int NoColumn = -1;

    /// <summary>Scalars and brackets of all values; a list with a number for each layer is the longest that there is.</summary>
    private const int MaximumEvents = 1 << 16;

    /// <summary>Characters of a text that is kept with its fields; configurations have a few thousand.</summary>
    private const int MostKept = 1 << 16;

    /// <summary>What this thread parsed last: who looks for the geometry and who rewrites the configuration ask for the same text one behind the other.</summary>
    [ThreadStatic]
    private static (string Text, IReadOnlyList<YamlField> Fields)? known;

    /// <summary>The fields in order.</summary>
    /// <exception cref="MigrationException">
    /// The text is no YAML, no mapping, several documents, names a field twice, uses aliases, anchors, tags, merge keys or octal
    /// numbers, or has more in it than a configuration.
    /// </exception>
    public static IReadOnlyList<YamlField> Parse(string text)
    {
        if (known is { } before && before.Text == text)
        {
            return before.Fields;
        }

        var fields = YamlText.Read(text, Fields);
        known = text.Length <= MostKept ? (text, fields) : null;
        return fields;
    }

    private static List<YamlField> Fields(Parser parser)
    {
        var fields = new Dictionary<string, YamlField>();
        var events = 0;
        parser.Consume<StreamStart>();
        parser.Consume<DocumentStart>();
        if (!parser.TryConsume<MappingStart>(out var root))
        {
            throw new MigrationException(FailureKind.Malformed, "no mapping of fields to values", where: "line 1");
        }

        RefuseTraps(root);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (!parser.TryConsume<Scalar>(out var key))
            {
                throw new MigrationException(FailureKind.Malformed, "a field whose name is no plain text", where: $"line {parser.Current?.Start.Line}");
            }

            RefuseTraps(key);

            if (fields.Count == MaximumFields)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"more than {MaximumFields} fields, as no configuration has",
                    where: $"line {key.Start.Line}");
            }

            var (value, last) = Value(parser, ref events);
            var first = (int)key.Start.Line - 1;
            var column = root.Style == MappingStyle.Flow ? NoColumn : (int)key.Start.Column - 1;
            var field = new YamlField(key.Value, value, first, Math.Max(first, last), column, (int)(key.End.Column - key.Start.Column));
            if (!fields.TryAdd(field.Name, field))
            {
                throw new MigrationException(FailureKind.Malformed, $"field {field.Name} is given twice", where: $"line {key.Start.Line}");
            }
        }

        parser.Consume<DocumentEnd>();
        return parser.Accept<StreamEnd>(out _)
            ? [.. fields.Values]
            : throw new MigrationException(FailureKind.Unsupported, "a second YAML document, of which it is not known what it is for", where: $"line {parser.Current?.Start.Line}");
    }

    /// <summary>
    /// Refuses what makes a value another one than its text says, so that nobody who reads a configuration here takes it for another
    /// one than PyYAML does: tags, anchors, merge keys (yaml.org/type/merge.html), numbers that YAML 1.1 takes for octal ones
    /// (yaml.org/type/int.html).
    /// </summary>
    private static void RefuseTraps(ParsingEvent read)
    {
        var problem = read switch
        {
            NodeEvent { Tag.IsEmpty: false } tagged => $"the tag '{tagged.Tag.Value}'",
            NodeEvent { Anchor.IsEmpty: false } anchored => $"the anchor '&{anchored.Anchor.Value}'",
            Scalar { Style: ScalarStyle.Plain, Value: "<<" } => "a merge key ('<<')",
            Scalar { Style: ScalarStyle.Plain, Value: var text } when IsOctal(text) => $"'{text}', which YAML 1.1 does not take for the decimal number",
            _ => null,
        };
        if (problem is not null)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{problem}: no configuration of LitGPT's has it; write the plain value", where: $"line {read.Start.Line}");
        }
    }

    private static bool IsOctal(string text) =>
        text.TrimStart('+', '-') is ['0', _, ..] digits && digits.All(digit => char.IsAsciiDigit(digit) || digit == '_');

    /// <summary>Reads one value to its end, which is its last line. <paramref name="events"/> counts those of all values.</summary>
    private static (YamlValue Value, int LastLine) Value(Parser parser, ref int events)
    {
        var last = 0;
        var depth = 0;
        var isNested = false;
        var scalars = new List<YamlScalar>();
        ParsingEvent? start = null;
        do
        {
            var current = parser.Consume<ParsingEvent>();
            if (current is AnchorAlias || ++events > MaximumEvents || depth > MaximumDepth)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    "an alias, or a value nested too deeply or too long for a configuration",
                    where: $"line {current.Start.Line}");
            }

            RefuseTraps(current);
            start ??= current;
            if (current is Scalar scalar)
            {
                scalars.Add(new YamlScalar(scalar.Value, scalar.Style == ScalarStyle.Plain));
            }

            // The end of a block collection is noticed at the next token, which may be lines behind it: only what has
            // characters of its own (a scalar, a bracket) tells where the value ends.
            isNested |= depth > 0 && current.NestingIncrease > 0;
            depth += current.NestingIncrease;
            if (current.End.Index > current.Start.Index)
            {
                last = Math.Max(last, (int)current.End.Line - 1);
            }
        }
        while (depth != 0);

        // YamlDotNet 18.1 yields a key without a value for some malformed texts.
        isNested |= start is MappingStart && scalars.Count % 2 != 0;
        return (isNested ? new YamlValue() : Flat(start, scalars), last);
    }

    /// <summary>A value that holds plain ones alone.</summary>
    private static YamlValue Flat(ParsingEvent start, List<YamlScalar> scalars) => start switch
    {
        SequenceStart => new YamlValue(Items: scalars),
        MappingStart =>
            new YamlValue(Fields: scalars.Chunk(2).GroupBy(pair => pair[0].Text, pair => pair[1]).ToDictionary(same => same.Key, same => same.Last())),
        _ => new YamlValue(scalars.Select(scalar => (YamlScalar?)scalar).FirstOrDefault()),
    };
}
