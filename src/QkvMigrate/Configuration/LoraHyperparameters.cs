using System.Globalization;
using System.Text;
using QkvMigrate.Attention;

namespace QkvMigrate.Configuration;

/// <summary>
/// What <c>hyperparameters.yaml</c> says about LoRA: the arguments of the fine-tuning script, which LitGPT saves beside
/// the checkpoint since 2024-03 (litgpt/utils.py, <c>save_hyperparameters</c>) and merges by.
/// </summary>
internal sealed class LoraHyperparameters
{
    /// <summary>The file's name.</summary>
    public const string FileName = "hyperparameters.yaml";

    private const string RankField = "lora_r";
    private const string AlphaField = "lora_alpha";
    private const string BaseField = "checkpoint_dir";
    private const int MaximumNumber = 1_000_000_000;
    private static readonly string[] SectionFields = ["lora_query", "lora_key", "lora_value"];

    private readonly string path;
    private readonly MarkedLines lines;
    private readonly IReadOnlyList<YamlField> fields;

    private readonly string mark;

    private LoraHyperparameters(string path, string text)
    {
        this.path = path;
        var yaml = text.TrimStart(ConfigurationReader.ByteOrderMark);
        mark = text[..^yaml.Length];
        lines = new MarkedLines(yaml);
        fields = YamlFields.Parse(yaml);
    }

    /// <summary>Reads the file in <paramref name="directory"/>; null where there is none.</summary>
    /// <exception cref="MigrationException">It cannot be read, or is no mapping.</exception>
    public static LoraHyperparameters? Find(string directory)
    {
        var file = Path.Combine(directory, FileName);
        try
        {
            return File.Exists(file) ? new LoraHyperparameters(file, ConfigurationReader.ReadText(file)) : null;
        }
        catch (MigrationException error)
        {
            throw error.InFile(file);
        }
    }

    /// <summary>Reads the file beside <paramref name="checkpoint"/>, a checkpoint file; null where there is none.</summary>
    /// <exception cref="MigrationException">As <see cref="Find"/>.</exception>
    internal static LoraHyperparameters? FindBeside(string checkpoint) => Find(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!);

    /// <summary><c>lora_alpha</c>, or null where it is not there.</summary>
    /// <exception cref="MigrationException">It is no number.</exception>
    public double? Alpha => Field(AlphaField) is { } alpha ? (double)Number(alpha) : null;

    /// <summary><c>lora_r</c>, or null where it is not there.</summary>
    /// <exception cref="MigrationException">It is no whole number.</exception>
    public long? Rank => Field(RankField) is not { } rank ? null
        : Number(rank) is var number && number == decimal.Truncate(number) ? (long)number
        : throw NoNumber(rank, "a whole number");

    /// <summary>The directory of the model that was fine-tuned, as it was given to LitGPT; null where it is not there.</summary>
    public string? CheckpointDirectory => Field(BaseField)?.Scalar;

    /// <summary>Whether it says of q, k and v what <paramref name="sections"/> does; what it does not say is not agreed to.</summary>
    public bool Agrees(LoraSections sections) =>
        SectionFields.Select(Boolean).SequenceEqual([sections.Query, sections.Key, sections.Value]);

    /// <summary>Plans how the file in <paramref name="directory"/> follows an expansion; nothing where there is no file.</summary>
    /// <exception cref="MigrationException">It has no <c>lora_r</c> or <c>lora_alpha</c>, or another rank than the checkpoint.</exception>
    public static ConfigurationRewrite Expand(string directory, LoraExpansion expansion)
    {
        try
        {
            return Find(directory)?.Expand(expansion) ?? ConfigurationRewrite.None;
        }
        catch (MigrationException error)
        {
            throw error.InFile(Path.Combine(directory, FileName));
        }
    }

    private ConfigurationRewrite Expand(LoraExpansion expansion)
    {
        if (!lines.AreCountable)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{RankField} has to change, but the file has line breaks other than LF and CRLF");
        }

        var rank = Required(RankField);
        if (rank.Scalar == Text(expansion.NewRank) && MarkedLines.IsAdded(lines[rank.LastLine]))
        {
            // An expansion in place was interrupted between this file and the checkpoint: it is done again.
            return ConfigurationRewrite.None;
        }

        if (Number(rank) != expansion.Rank)
        {
            throw new MigrationException(
                FailureKind.Conflict,
                $"{RankField} is {rank.Scalar}, but the checkpoint's LoRA has rank {expansion.Rank}",
                where: $"line {rank.FirstLine + 1}");
        }

        var value = Number(Required(AlphaField));

        // From the last line to the first, so that the lines of the fields that are still to come keep their numbers.
        var changes = new List<string>();
        foreach (var field in fields.OrderByDescending(field => field.FirstLine))
        {
            var wanted = field.Name switch
            {
                RankField => Text(expansion.NewRank),
                AlphaField => (value * expansion.Factor).ToString(CultureInfo.InvariantCulture),
                _ when SectionFields.Contains(field.Name) => "true",
                _ => null,
            };
            if (wanted is not null && !string.Equals(wanted, field.Scalar, StringComparison.OrdinalIgnoreCase))
            {
                Replace(field, wanted);
                changes.Insert(0, $"{FileName}: {field.Name} {field.Scalar} becomes {wanted}");
            }
        }

        return new ConfigurationRewrite([new ConfigurationFile(FileName, (byte[])[.. Encoding.UTF8.GetBytes(mark), .. lines.ToBytes()])], changes, []);
    }

    private void Replace(YamlField field, string value)
    {
        if (field.KeyColumn != 0 || field.LastLine != field.FirstLine || fields.Any(other => other != field && other.FirstLine == field.FirstLine))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{field.Name} has to change, but does not stand in a line of its own",
                where: $"line {field.FirstLine + 1}");
        }

        lines.Replace(field.FirstLine, field.LastLine, $"{field.Name}: {value}");
    }

    private decimal Number(YamlField field) =>
        decimal.TryParse(field.Plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && Math.Abs(value) <= MaximumNumber
            ? value
            : throw NoNumber(field, field.Plain is null ? "a number without quotes" : "a number");

    private MigrationException NoNumber(YamlField field, string expected) =>
        new(FailureKind.Malformed, $"{field.Name} is '{field.Scalar}', expected {expected}", path, $"line {field.FirstLine + 1}");

    private YamlField? Field(string name) => fields.FirstOrDefault(field => field.Name == name);

    private YamlField Required(string name) =>
        Field(name)
        ?? throw new MigrationException(FailureKind.Malformed, $"no {name}, which LitGPT's fine-tuning with LoRA saves here", where: "line 1");

    private bool? Boolean(string name) =>
        bool.TryParse(Field(name)?.Plain, out var value) ? value : null;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
