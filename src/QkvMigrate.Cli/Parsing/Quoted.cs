namespace QkvMigrate.Cli.Parsing;

/// <summary>Shows a word of the command line in a message.</summary>
internal static class Quoted
{
    private const int Longest = 100;

    /// <summary>The word between quotation marks, and the beginning of one that would fill the screen.</summary>
    public static string Word(string text) =>
        text.Length <= Longest ? $"'{text}'" : $"'{text[..Longest]}...' ({text.Length} characters)";
}
