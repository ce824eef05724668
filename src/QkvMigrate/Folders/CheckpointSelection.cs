using Microsoft.Extensions.FileSystemGlobbing;

namespace QkvMigrate.Folders;

/// <summary>
/// Which checkpoint files of a tree are worked on. A pattern is held against the file's path below the tree, <c>*</c>
/// within a name, <c>**</c> across directories; one without a slash fits a name at any depth, and one that fits a
/// directory takes everything in it, as in a <c>.gitignore</c>.
/// </summary>
/// <param name="Include">Patterns of which one must fit; all files where there is none.</param>
/// <param name="Exclude">Patterns of which none may fit.</param>
public sealed record CheckpointSelection(IReadOnlyList<string> Include, IReadOnlyList<string> Exclude)
{
    /// <summary>Every checkpoint.</summary>
    public static CheckpointSelection All { get; } = new([], []);

    /// <summary>Whether <paramref name="pattern"/> can fit a path below a directory.</summary>
    public static bool IsPattern(string pattern) =>
        pattern.Trim('/').Length > 0 && !pattern.Contains('\0', StringComparison.Ordinal) && !pattern.Split('/').Contains("..");

    /// <summary>Those of <paramref name="paths"/>, relative to the tree, that are selected.</summary>
    internal HashSet<string> Of(IEnumerable<string> paths)
    {
        if (Include.Count == 0 && Exclude.Count == 0)
        {
            return paths.ToHashSet(StringComparer.Ordinal);
        }

        var matcher = new Matcher(StringComparison.Ordinal);
        matcher.AddIncludePatterns(Include.Count == 0 ? ["**"] : Include.SelectMany(Patterns));
        matcher.AddExcludePatterns(Exclude.SelectMany(Patterns));
        return matcher.Match(paths).Files.Select(match => match.Path).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Whether a directory that is a checkpoint as a whole is selected; the tree itself always is.</summary>
    internal bool Selects(string directory) => directory.Length == 0 || Of([directory]).Count > 0;

    private static IEnumerable<string> Patterns(string pattern)
    {
        var trimmed = pattern.TrimEnd('/');
        var anchored = trimmed.Contains('/', StringComparison.Ordinal) ? trimmed.TrimStart('/') : $"**/{trimmed}";
        return [anchored, $"{anchored}/**"];
    }
}
