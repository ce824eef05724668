namespace QkvMigrate.Pickling.Policy;

/// <summary>
/// The rules of <c>pickle-rules.txt</c>, and how a dotted name is held against them. A package that they know is closed:
/// only what they list as safe is. One that they do not know is somebody's own.
/// </summary>
internal static class GlobalRules
{
    /// <summary>Names with more parts than this reach through objects; no class is nested so deeply.</summary>
    private const int MaximumParts = 12;

    private const string Reaches = "reaches through attributes to what it does not name";

    private static readonly Lazy<IReadOnlyDictionary<string, IReadOnlyList<GlobalRule>>> Packages = new(Load);

    /// <summary>What is known of <paramref name="name"/> in <paramref name="module"/>, and why.</summary>
    /// <remarks>
    /// A name may have dots of its own: from protocol 4 on Python follows them through attributes (Lib/pickle.py,
    /// <c>_getattribute</c>), so that <c>torch</c> and <c>serialization.os.system</c> name <c>os.system</c>.
    /// </remarks>
    public static (GlobalSafety Safety, string? Why) Judge(string module, string name)
    {
        if (name.Contains('.', StringComparison.Ordinal))
        {
            return Reach(module, name.Split('.'));
        }

        return JudgeKnown(module, name)
            ?? (IsSpecial(name) ? (GlobalSafety.Dangerous, "is what Python itself puts into a module") : (GlobalSafety.Unknown, null));
    }

    /// <summary>The judgement where the module is of a package that the rules know, and null elsewhere.</summary>
    private static (GlobalSafety Safety, string? Why)? JudgeKnown(string module, string name)
    {
        var package = GlobalRule.RootOf(module);
        if (!Packages.Value.TryGetValue(package, out var rules))
        {
            return null;
        }

        foreach (var rule in rules)
        {
            if (rule.Fits(module, name))
            {
                return (rule.Safety, rule.Why);
            }
        }

        return (GlobalSafety.Dangerous, $"is of {package}, and not on the list of what is harmless there");
    }

    private static (GlobalSafety Safety, string? Why) Reach(string module, string[] path)
    {
        if (path.Length > MaximumParts || Array.Exists(path, part => part.StartsWith("__", StringComparison.Ordinal)))
        {
            return (GlobalSafety.Dangerous, Reaches);
        }

        // Every attribute on the way may be a module that the one before it imports, also as _os.
        for (var end = 1; end < path.Length; end++)
        {
            for (var start = 0; start < end; start++)
            {
                var inner = string.Join('.', path[start..end]).TrimStart('_');
                if (IsModule(inner) && JudgeKnown(inner, path[end]) is { Safety: GlobalSafety.Dangerous } judged)
                {
                    return (GlobalSafety.Dangerous, $"names {inner}.{path[end]}, which {judged.Why}");
                }
            }
        }

        // An attribute of what is known well is neither of its classes: it is a method, or a module that it imports.
        return JudgeKnown(module, path[0]) is null ? (GlobalSafety.Unknown, null) : (GlobalSafety.Dangerous, Reaches);
    }

    /// <summary>
    /// Whether an attribute of this name may be a module: a class in a class starts with a capital, as hardly any module does
    /// since Python 3.
    /// </summary>
    private static bool IsModule(string name) => name.Length > 0 && !char.IsAsciiLetterUpper(name[0]);

    /// <summary><c>__builtins__</c>, <c>__loader__</c> and the like, which every module has.</summary>
    private static bool IsSpecial(string name) =>
        name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal);

    private static Dictionary<string, IReadOnlyList<GlobalRule>> Load()
    {
        const string resource = "QkvMigrate.Pickling.Policy.pickle-rules.txt";
        using var reader = new StreamReader(typeof(GlobalRules).Assembly.GetManifestResourceStream(resource)!);
        var packages = new Dictionary<string, IReadOnlyList<GlobalRule>>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.StartsWith("known ", StringComparison.Ordinal))
            {
                foreach (var package in line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..])
                {
                    packages.TryAdd(package, []);
                }

                continue;
            }

            var rule = GlobalRule.Parse(line);
            packages[rule.Root] = [.. packages.GetValueOrDefault(rule.Root, []), rule];
        }

        return packages;
    }
}
