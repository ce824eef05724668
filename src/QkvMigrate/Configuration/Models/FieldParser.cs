using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace QkvMigrate.Configuration.Models;

/// <summary>
/// Reads the fields of a <c>model_config.yaml</c> or a <c>lit_config.json</c>; JSON is YAML.
/// </summary>
internal static class FieldParser
{
    private const int MaximumEvents = 1 << 18;

    /// <summary>The fields by name.</summary>
    /// <exception cref="MigrationException">The text is no mapping of names to values as <see cref="FieldValue"/> has them.</exception>
    public static IReadOnlyDictionary<string, FieldValue> Parse(string text) => YamlText.Read(text, Fields);

    private static Dictionary<string, FieldValue> Fields(Parser parser)
    {
        parser.Consume<StreamStart>();
        parser.Consume<DocumentStart>();
        if (!parser.TryConsume<MappingStart>(out _))
        {
            throw new MigrationException(FailureKind.Malformed, "no mapping of fields to values", where: "line 1");
        }

        var fields = new Dictionary<string, FieldValue>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = Plain(parser, "a field's name");
            if (!fields.TryAdd(key.Value, Value(parser, key.Start.Line)))
            {
                throw new MigrationException(FailureKind.Malformed, $"field {key.Value} is given twice", where: $"line {key.Start.Line}");
            }
        }

        return fields;
    }

    private static FieldValue Value(Parser parser, long line)
    {
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<string?>();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(Text(Plain(parser, "an item of a list")));
                Limit(items.Count, line);
            }

            return new FieldValue(line, Items: items);
        }

        if (parser.TryConsume<MappingStart>(out _))
        {
            var fields = new Dictionary<string, string?>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = Plain(parser, "a name");
                fields[key.Value] = Text(Plain(parser, "a value"));
                Limit(fields.Count, line);
            }

            return new FieldValue(line, Fields: fields);
        }

        return new FieldValue(line, Text(Plain(parser, "a value")));
    }

    private static Scalar Plain(Parser parser, string what) =>
        parser.TryConsume<Scalar>(out var scalar)
            ? scalar
            : throw new MigrationException(FailureKind.Unsupported, $"{what} is nested, an alias or missing; LitGPT's configuration has plain ones", where: $"line {parser.Current?.Start.Line ?? 0}");

    private static string? Text(Scalar scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL" ? null : scalar.Value;

    private static void Limit(int count, long line)
    {
        if (count > MaximumEvents)
        {
            throw new MigrationException(FailureKind.Unsupported, $"more than {MaximumEvents} entries", where: $"line {line}");
        }
    }
}
