using System.Text;

namespace QkvMigrate.Configuration;

/// <summary>
/// The lines of a YAML file, changed so that the change can be undone: a line that goes is kept as a marked comment, a
/// line that comes carries a mark at its end. Lines keep their ends, so that the way back is exact.
/// </summary>
internal sealed class MarkedLines(string text)
{
    private const string Removed = "#qkvmigrate- ";
    private const string Added = "  #qkvmigrate+";
    private const string Generated = "#qkvmigrate+ made from ";

    private readonly List<string> lines = [.. text.Split('\n')];

    /// <summary>Whether a line was changed.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>
    /// Whether lines end in LF or CRLF alone. YAML 1.1 has other breaks too (yaml.org/spec/1.1, b-char), which would make it
    /// count other lines.
    /// </summary>
    public bool AreCountable { get; } = !text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().ContainsAny("\r\u0085\u2028\u2029");

    /// <summary>A line without its end.</summary>
    public string this[int line] => lines[line].TrimEnd('\r');

    /// <summary>
    /// Replaces the lines from <paramref name="first"/> to <paramref name="last"/>; to be called from the end of the file on,
    /// so that numbers stay true.
    /// </summary>
    public void Replace(int first, int last, params IEnumerable<string> replacement)
    {
        var end = lines[last].EndsWith('\r') ? "\r" : "";
        lines.InsertRange(last + 1, replacement.Select(line => line + Added + end));
        for (var line = first; line <= last; line++)
        {
            lines[line] = Removed + lines[line];
        }

        IsChanged = true;
    }

    /// <summary>Whether a line came with an upgrade.</summary>
    public static bool IsAdded(string line) => line.TrimEnd('\r').EndsWith(Added, StringComparison.Ordinal);

    /// <summary>The new text as bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Join('\n', lines));

    /// <summary>The first line of a file that was made from another.</summary>
    public static string Header(string source) => Generated + source;

    /// <summary>Undoes what an upgrade did to a configuration, where it did something.</summary>
    /// <param name="text">The upgraded configuration.</param>
    /// <param name="hasSource">Whether the <c>lit_config.json</c> that it may have been made from is there.</param>
    public static ConfigurationRewrite Restore(string text, bool hasSource)
    {
        if (text.StartsWith(Header(ConfigurationRewrite.JsonName), StringComparison.Ordinal))
        {
            return hasSource ? RemovedYaml() : KeptYaml();
        }

        var kept = text.Split('\n').ToList();
        var removed = kept.RemoveAll(IsAdded);
        var restored = 0;
        for (var i = 0; i < kept.Count; i++)
        {
            if (kept[i].StartsWith(Removed, StringComparison.Ordinal))
            {
                kept[i] = kept[i][Removed.Length..];
                restored++;
            }
        }

        return removed + restored == 0
            ? ConfigurationRewrite.None
            : new ConfigurationRewrite(
                [new ConfigurationFile(ConfigurationRewrite.YamlName, Encoding.UTF8.GetBytes(string.Join('\n', kept)))],
                [$"{ConfigurationRewrite.YamlName}: {restored} old lines are back, {removed} new ones are gone"],
                []);
    }

    private static ConfigurationRewrite RemovedYaml() => new(
        [new ConfigurationFile(ConfigurationRewrite.YamlName, null)],
        [$"{ConfigurationRewrite.YamlName} goes; {ConfigurationRewrite.JsonName}, which it was made from, is there"],
        []);

    private static ConfigurationRewrite KeptYaml()
    {
        var message = $"{ConfigurationRewrite.YamlName} was made from {ConfigurationRewrite.JsonName}, which is not there any more; it is left as it is";
        return ConfigurationRewrite.None with { Advice = [new Advice("config-source-missing", message)] };
    }
}
