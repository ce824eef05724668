namespace QkvMigrate.Cli.Reference;

/// <summary>What may stand for a value, as the name that the help gives it tells: <c>FILE</c>, <c>N</c>, <c>auto|torch|stream</c>.</summary>
/// <param name="Name">The name.</param>
internal sealed record ValueHint(string Name)
{
    private static readonly HashSet<string> PathNames = new(["FILE", "PATH", "OUT", "ORIGINAL", "UPGRADED"], StringComparer.Ordinal);

    /// <summary>The words to choose from: a name in lower case is the words themselves, with what they may be followed by in brackets.</summary>
    public IReadOnlyList<string> Choices =>
        char.IsAsciiLetterLower(Name[0]) ? [.. Name.Split('|').Select(word => word.Split('[')[0])] : [];

    /// <summary>Whether the value is a path.</summary>
    public bool IsPath => PathNames.Contains(Name);
}
