namespace QkvMigrate.Pickling.Policy;

/// <summary>One line of the rules: what is known of some names of a module, or of a module and all below it.</summary>
/// <param name="Safety">Safe or dangerous.</param>
/// <param name="Module">The module; with ".*" behind it all below it too.</param>
/// <param name="Patterns">The names, as the rules write them.</param>
/// <param name="Why">What they are or do.</param>
internal sealed record GlobalRule(GlobalSafety Safety, string Module, IReadOnlyList<string> Patterns, string Why)
{
    private const string Below = ".*";

    private const string Classes = "[A-Z]*";

    /// <summary>The package that the rule speaks of.</summary>
    public string Root => RootOf(Module);

    /// <summary>Reads a line.</summary>
    /// <exception cref="InvalidOperationException">It is no rule.</exception>
    public static GlobalRule Parse(string line)
    {
        var fields = line.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return fields is [("safe" or "danger") and var verdict, var module, var names, var why]
            ? new GlobalRule(verdict == "safe" ? GlobalSafety.Safe : GlobalSafety.Dangerous, module, names.Split('|'), why)
            : throw new InvalidOperationException($"pickle-rules.txt: '{line}' is no rule");
    }

    /// <summary>The part of a module's name before its first dot.</summary>
    public static string RootOf(string module)
    {
        var dot = module.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? module : module[..dot];
    }

    /// <summary>Whether the rule speaks of <paramref name="name"/> in <paramref name="module"/>.</summary>
    public bool Fits(string module, string name)
    {
        if (!IsOf(module))
        {
            return false;
        }

        foreach (var pattern in Patterns)
        {
            if (Names(pattern, name))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Names(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (pattern is Classes)
        {
            return name.Length > 1 && char.IsAsciiLetterUpper(name[0]);
        }

        var (isOpenAtStart, isOpenAtEnd) = (pattern[0] == '*', pattern[^1] == '*');
        var text = pattern.Trim('*');
        return isOpenAtStart && isOpenAtEnd ? name.Contains(text, StringComparison.Ordinal)
            : isOpenAtStart ? name.EndsWith(text, StringComparison.Ordinal)
            : isOpenAtEnd ? name.StartsWith(text, StringComparison.Ordinal)
            : name.SequenceEqual(text);
    }

    private bool IsOf(string module)
    {
        if (!Module.EndsWith(Below, StringComparison.Ordinal))
        {
            return module == Module;
        }

        var root = Module.AsSpan(0, Module.Length - Below.Length);
        return module.AsSpan().StartsWith(root, StringComparison.Ordinal) && (module.Length == root.Length || module[root.Length] == '.');
    }
}
