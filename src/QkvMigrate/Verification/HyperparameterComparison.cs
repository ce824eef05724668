using System.Globalization;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the hyperparameters beside an expanded LoRA against the old ones: rank and alpha grow alike, q, k and v all have
/// LoRA, and every other field is what it was (litgpt/finetune/lora.py, <c>setup</c>).
/// </summary>
internal static class HyperparameterComparison
{
    /// <summary>Compares the files.</summary>
    public static void Compare(string original, string upgraded, long rank, long newRank, string place, DifferenceLog log)
    {
        if (Read(original, place, log) is not { } before || Read(upgraded, place, log) is not { } after)
        {
            return;
        }

        foreach (var name in before.Select(field => field.Key).Union(after.Select(field => field.Key)))
        {
            var (old, now) = (before.GetValueOrDefault(name), after.GetValueOrDefault(name));
            var isRight = (name, decimal.TryParse(old, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) switch
            {
                ("lora_r" or "lora_alpha", true) => decimal.TryParse(now, NumberStyles.Float, CultureInfo.InvariantCulture, out var found)
                && found * rank == number * newRank,
                ("lora_query" or "lora_key" or "lora_value", _) => string.Equals(now, "true", StringComparison.OrdinalIgnoreCase),
                _ => old == now,
            };
            if (!isRight)
            {
                log.Add(place, $"{name} is {now ?? "missing"}, which does not follow from {old ?? "none"} and a LoRA of rank {newRank} instead of {rank}");
            }
        }
    }

    /// <summary>The fields and their values as they are written, nested ones with all of their lines.</summary>
    private static Dictionary<string, string>? Read(string path, string place, DifferenceLog log)
    {
        try
        {
            var text = ConfigurationReader.ReadText(path);
            var lines = text.Split('\n');
            return YamlFields.Parse(text).ToDictionary(
                field => field.Name,
                field => field.Scalar ?? string.Join('\n', lines[field.FirstLine..(field.LastLine + 1)]));
        }
        catch (MigrationException error)
        {
            log.Add(place, error.Problem);
            return null;
        }
    }
}
