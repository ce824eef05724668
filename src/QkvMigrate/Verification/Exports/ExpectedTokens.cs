using System.Globalization;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification.Exports;

/// <summary>The numbers of special tokens that a made <c>config.json</c> must have: the first of several files that says one decides.</summary>
/// <param name="directory">Where the tokenizer's files lie.</param>
/// <param name="count">How many tokens the model knows.</param>
internal sealed class ExpectedTokens(string directory, int count)
{
    private static readonly (string Field, string Token)[] Fields = [("bos_token_id", "bos_token"), ("eos_token_id", "eos_token"), ("pad_token_id", "pad_token")];

    /// <summary>Whether a leaf is of such a field: a number, or a list of some.</summary>
    public static bool IsOne(string leaf) => Fields.Any(known => leaf == known.Field || leaf.StartsWith($"{known.Field}[", StringComparison.Ordinal));

    /// <summary>Adds the leaves of the fields to those that are expected.</summary>
    /// <param name="beside">The leaves of the <c>config.json</c> beside the checkpoint, or null.</param>
    /// <param name="generation">The path of <c>generation_config.json</c> there, or null.</param>
    /// <param name="expected">Takes them.</param>
    public void Expect(Dictionary<string, string>? beside, string? generation, Dictionary<string, string> expected)
    {
        var said = generation is null ? null : ExportedJson.Read(generation, generation, new DifferenceLog());
        foreach (var (field, token) in Fields)
        {
            if (Add(LeavesOf(field, beside), expected) || Add(Numbers(LeavesOf(field, said)), expected))
            {
                continue;
            }

            expected[field] = TokenizerTokens.Number(directory, token, count)?.ToString(CultureInfo.InvariantCulture) ?? "null";
        }
    }

    private static bool Add(List<KeyValuePair<string, string>> leaves, Dictionary<string, string> expected)
    {
        foreach (var (name, value) in leaves)
        {
            expected[name] = value;
        }

        return leaves.Count > 0;
    }

    private static List<KeyValuePair<string, string>> LeavesOf(string field, Dictionary<string, string>? all) =>
        [.. (all ?? []).Where(leaf => (leaf.Key == field && leaf.Value != "null") || leaf.Key.StartsWith($"{field}[", StringComparison.Ordinal))];

    /// <summary>The same leaves where they are a number or a list of numbers, none otherwise.</summary>
    private static List<KeyValuePair<string, string>> Numbers(List<KeyValuePair<string, string>> leaves) =>
        leaves.Where(leaf => !leaf.Key.EndsWith("[]", StringComparison.Ordinal)).ToList() is { Count: > 0 } plain
        && plain.TrueForAll(leaf => double.TryParse(leaf.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) ? leaves : [];
}
