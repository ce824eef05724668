using System.Globalization;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the hyperparameters beside an expanded LoRA, line by line, against what the old ones must become: rank and alpha grow alike,
/// q, k and v all have LoRA, and every other line is what it was (litgpt/finetune/lora.py, <c>setup</c>).
/// </summary>
internal static class HyperparameterComparison
{
    private const string Rank = "lora_r";
    private const string Alpha = "lora_alpha";
    private static readonly string[] Sections = ["lora_query", "lora_key", "lora_value"];

    /// <summary>Compares the files.</summary>
    public static void Compare(string original, string upgraded, long rank, long newRank, string place, DifferenceLog log)
    {
        try
        {
            var before = ConfigurationReader.ReadText(original);
            var text = before.TrimStart('\uFEFF');
            var lines = Expected(text, rank, newRank);
            lines.StartWith(before[..^text.Length]);
            lines.Compare(ConfigurationReader.ReadText(upgraded), place, log);
        }
        catch (MigrationException error)
        {
            log.Add(place, error.Where is { } where ? $"{where}: {error.Problem}" : error.Problem);
        }
    }

    private static ExpectedLines Expected(string text, long rank, long newRank)
    {
        var lines = new ExpectedLines(text);
        var fields = YamlFields.Parse(text);
        var said = fields.FirstOrDefault(field => field.Name == Rank) ?? throw Unknown(Rank, 0);
        if (said.Scalar == Text(newRank) && lines[said.LastLine].EndsWith(ExpectedLines.PutIn, StringComparison.Ordinal))
        {
            // They were expanded before.
            return lines;
        }

        foreach (var field in fields.OrderByDescending(field => field.FirstLine))
        {
            var now = field.Name switch
            {
                Rank when field.Plain == Text(rank) => Text(newRank),
                Rank => throw Unknown(Rank, field.FirstLine),
                Alpha => decimal.TryParse(field.Plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var alpha)
                    ? (alpha * (newRank / rank)).ToString(CultureInfo.InvariantCulture)
                    : throw Unknown(Alpha, field.FirstLine),
                _ => Sections.Contains(field.Name) ? "true" : null,
            };
            if (now is null || string.Equals(now, field.Scalar, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (!lines.AreClear || field.KeyColumn != 0 || field.LastLine != field.FirstLine || fields.Count(other => other.FirstLine == field.FirstLine) != 1)
            {
                throw Unknown(field.Name, field.FirstLine);
            }

            lines.Replace(field.FirstLine, $"{field.Name} follows the LoRA of rank {newRank} instead of {rank}", $"{field.Name}: {now}");
        }

        return lines;
    }

    private static MigrationException Unknown(string field, int line) =>
        new(FailureKind.Malformed, $"what {field} must become is not known", where: $"line {line + 1}");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
