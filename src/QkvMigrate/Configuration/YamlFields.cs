using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace QkvMigrate.Configuration;

/// <summary>A field of a YAML mapping's top level.</summary>
/// <param name="Name">The key.</param>
/// <param name="Scalar">The value where it is plain, as it is written; null where it is nested.</param>
/// <param name="FirstLine">The line of the key, from 0.</param>
/// <param name="LastLine">The last line of the value, from 0.</param>
/// <param name="KeyColumn">Where the key starts in its line, from 0.</param>
/// <param name="KeyLength">Characters of the key as it is written.</param>
internal sealed record YamlField(string Name, string? Scalar, int FirstLine, int LastLine, int KeyColumn, int KeyLength);

/// <summary>Finds the fields of a YAML mapping's top level and the lines that each takes up.</summary>
internal static class YamlFields
{
    /// <summary>Fields of the top level; LitGPT's configurations have less than a hundred.</summary>
    public const int MaximumFields = 1_000;

    private const int MaximumDepth = 64;

    /// <summary>Scalars and brackets of all values; a list with a number for each layer is the longest that there is.</summary>
    private const int MaximumEvents = 1 << 16;

    /// <summary>The fields in order.</summary>
    /// <exception cref="MigrationException">The text is no YAML, no mapping, names a field twice, uses aliases, or has more in it than a configuration.</exception>
    public static IReadOnlyList<YamlField> Parse(string text) => YamlText.Read(text, Fields);

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

        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (!parser.TryConsume<Scalar>(out var key))
            {
                throw new MigrationException(FailureKind.Malformed, "a field whose name is no plain text", where: $"line {parser.Current?.Start.Line}");
            }

            if (fields.Count == MaximumFields)
            {
                throw new MigrationException(FailureKind.Unsupported, $"more than {MaximumFields} fields, as no configuration has", where: $"line {key.Start.Line}");
            }

            var (scalar, last) = Value(parser, ref events);
            var first = (int)key.Start.Line - 1;
            var field = new YamlField(key.Value, scalar, first, Math.Max(first, last), root.Style == MappingStyle.Flow ? -1 : (int)key.Start.Column - 1, (int)(key.End.Column - key.Start.Column));
            if (!fields.TryAdd(field.Name, field))
            {
                throw new MigrationException(FailureKind.Malformed, $"field {field.Name} is given twice", where: $"line {key.Start.Line}");
            }
        }

        return [.. fields.Values];
    }

    /// <summary>Reads one value to its end: its text where it is plain, and its last line. <paramref name="events"/> counts those of all values.</summary>
    private static (string? Scalar, int LastLine) Value(Parser parser, ref int events)
    {
        var last = 0;
        var depth = 0;
        for (var isFirst = true; ; isFirst = false)
        {
            var current = parser.Consume<ParsingEvent>();
            if (current is AnchorAlias || ++events > MaximumEvents || depth > MaximumDepth)
            {
                throw new MigrationException(FailureKind.Unsupported, "an alias, or a value nested too deeply or too long for a configuration", where: $"line {current.Start.Line}");
            }

            // The end of a block collection is noticed at the next token, which may be lines behind it: only what has
            // characters of its own (a scalar, a bracket) tells where the value ends.
            depth += current.NestingIncrease;
            if (current.End.Index > current.Start.Index)
            {
                last = Math.Max(last, (int)current.End.Line - 1);
            }

            if (depth == 0)
            {
                return (isFirst ? (current as Scalar)?.Value : null, last);
            }
        }
    }
}
