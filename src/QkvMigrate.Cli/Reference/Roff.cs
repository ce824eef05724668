namespace QkvMigrate.Cli.Reference;

/// <summary>Text for roff, in which a backslash begins a command, and a line that starts with a point or an apostrophe is one.</summary>
internal static class Roff
{
    /// <summary>Prose, in which patterns and options may stand.</summary>
    public static string Text(string text) => AtLineStart(Escape(text).Replace("--", "\\-\\-", StringComparison.Ordinal));

    /// <summary>What is typed as it stands; a hyphen there is the ASCII one, which can be copied and searched for.</summary>
    public static string Literal(string text) => AtLineStart(Escape(text).Replace("-", "\\-", StringComparison.Ordinal));

    /// <summary>A literal in bold.</summary>
    public static string Bold(string text) => $"\\fB{Literal(text)}\\fR";

    /// <summary>A placeholder.</summary>
    public static string Italic(string text) => $"\\fI{Literal(text)}\\fR";

    // An apostrophe and a tilde would be set as other characters than those that a shell knows.
    private static string Escape(string text) =>
        text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("~", "\\(ti", StringComparison.Ordinal).Replace("'", "\\(aq", StringComparison.Ordinal);

    private static string AtLineStart(string text) => text.StartsWith('.') ? $"\\&{text}" : text;
}
