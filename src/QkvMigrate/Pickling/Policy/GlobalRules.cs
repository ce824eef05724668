namespace QkvMigrate.Pickling.Policy;

/// <summary>The rules of <c>pickle-rules.txt</c>, and how a dotted name is held against them.</summary>
internal static class GlobalRules
{
    /// <summary>Names with more parts than this reach through objects; no class is nested so deeply.</summary>
    private const int MaximumParts = 12;

    private static readonly Lazy<IReadOnlyList<Rule>> Rules = new(Load);

    private static readonly Lazy<ILookup<string, Rule>> RulesByRoot = new(() => Rules.Value.ToLookup(rule => Root(rule.Module)));

    /// <summary>What is known of <paramref name="name"/> in <paramref name="module"/>, and why.</summary>
    /// <remarks>
    /// A name may have dots of its own: from protocol 4 on Python follows them through attributes (Lib/pickle.py,
    /// <c>_getattribute</c>), so that <c>torch</c> and <c>serialization.os.system</c> name <c>os.system</c>.
    /// </remarks>
    public static (GlobalSafety Safety, string? Why) Judge(string module, string name)
    {
        var dotted = name.Contains('.', StringComparison.Ordinal);
        if (!dotted && Match(module, name) is { } rule)
        {
            return (rule.Safety, rule.Why);
        }

        return dotted ? Reach(module, name.Split('.')) : (GlobalSafety.Unknown, null);
    }

    private static (GlobalSafety Safety, string? Why) Reach(string module, string[] path)
    {
        if (path.Length > MaximumParts || Array.Exists(path, part => part.StartsWith("__", StringComparison.Ordinal)))
        {
            return (GlobalSafety.Dangerous, "reaches through attributes to what it does not name");
        }

        // Every attribute on the way may be a module: of the one that is named, or one that it imports (also as _os).
        for (var end = 0; end < path.Length; end++)
        {
            for (var start = 0; start <= end; start++)
            {
                var inner = start == 0 ? string.Join('.', [module, .. path[..end]]) : string.Join('.', path[start..end]).TrimStart('_');
                var match = inner.Length > 0 ? Match(inner, path[end]) : null;
                if (match is { Safety: GlobalSafety.Dangerous })
                {
                    return (GlobalSafety.Dangerous, $"names {inner}.{path[end]}, which {match.Why}");
                }
            }
        }

        // An attribute of what is known well is neither of its classes: it is a method, or a module that it imports.
        return RulesByRoot.Value[Root(module)].Any(rule => rule.IsOf(module))
            ? (GlobalSafety.Dangerous, "reaches through attributes to what it does not name")
            : (GlobalSafety.Unknown, null);
    }

    private static Rule? Match(string module, string name) =>
        RulesByRoot.Value[Root(module)].FirstOrDefault(rule => rule.IsOf(module) && rule.Names(name));

    private static string Root(string module)
    {
        var dot = module.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? module : module[..dot];
    }

    private static List<Rule> Load()
    {
        const string resource = "QkvMigrate.Pickling.Policy.pickle-rules.txt";
        using var reader = new StreamReader(typeof(GlobalRules).Assembly.GetManifestResourceStream(resource)!);
        var rules = new List<Rule>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                rules.Add(Rule.Parse(line));
            }
        }

        return rules;
    }

    /// <summary>One line of the rules.</summary>
    private sealed record Rule(GlobalSafety Safety, string Module, string Name, string Why)
    {
        private const string Below = ".*";

        public static Rule Parse(string line)
        {
            var fields = line.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return fields is [("safe" or "danger") and var verdict, var module, var name, var why]
                ? new Rule(verdict == "safe" ? GlobalSafety.Safe : GlobalSafety.Dangerous, module, name, why)
                : throw new InvalidOperationException($"pickle-rules.txt: '{line}' is no rule");
        }

        public bool IsOf(string module)
        {
            if (!Module.EndsWith(Below, StringComparison.Ordinal))
            {
                return module == Module;
            }

            var root = Module.AsSpan(0, Module.Length - Below.Length);
            return module.AsSpan().StartsWith(root, StringComparison.Ordinal) && (module.Length == root.Length || module[root.Length] == '.');
        }

        public bool Names(string name) =>
            Name[^1] == '*' ? name.StartsWith(Name[..^1], StringComparison.Ordinal)
            : Name[0] == '*' ? name.EndsWith(Name[1..], StringComparison.Ordinal)
            : name == Name;
    }
}
