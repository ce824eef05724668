namespace QkvMigrate.Pickling.Policy;

/// <summary>Says of everything that a pickle names what is known of it. Nothing is looked up, let alone run.</summary>
internal static class PicklePolicy
{
    /// <summary>What <paramref name="script"/> names, and what the pickles in its strings name; reports call it <paramref name="where"/>.</summary>
    /// <exception cref="MigrationException">It is made to cost more time than a checkpoint's pickle can.</exception>
    public static IReadOnlyList<GlobalUse> Examine(PickleScript script, string where) =>
        [.. Judge(script.References, where), .. Nested(script.Bytes, where, 1)];

    /// <summary>As <see cref="Examine"/>, for bytes that may be a pickle or may not, as far as they are one.</summary>
    public static IReadOnlyList<GlobalUse> ExamineBytes(ReadOnlyMemory<byte> bytes, string where) =>
        [.. ExamineBytes(bytes, where, 0)];

    private static IEnumerable<GlobalUse> ExamineBytes(ReadOnlyMemory<byte> bytes, string where, int depth) =>
        Judge(PickleMachine.Scan(bytes), where).Concat(Nested(bytes, where, depth + 1));

    private static IEnumerable<GlobalUse> Nested(ReadOnlyMemory<byte> pickle, string where, int depth) =>
        depth > NestedPickles.MaximumDepth
            ? []
            : NestedPickles.AsFarAsReadable(pickle).SelectMany(literal =>
                ExamineBytes(literal.Bytes, $"{where}, pickle in the string at byte {literal.Offset}", depth));

    private static IEnumerable<GlobalUse> Judge(PickleReferences references, string where)
    {
        // Protocols without a memo name the same global over and over.
        var judged = new Dictionary<(string Module, string Name), GlobalUse>();
        return references.Globals.Select(global => Judge(global, where, judged))
            .Concat(references.Unnamed.Select(node => Judge(node, where)))
            .OrderBy(use => use.Offset);
    }

    private static GlobalUse Judge(PickleGlobal global, string where, Dictionary<(string Module, string Name), GlobalUse> judged)
    {
        if (judged.TryGetValue((global.Module, global.Name), out var same))
        {
            return same with { Offset = global.Offset };
        }

        var (safety, why) = GlobalRules.Judge(global.Module, global.Name);
        var use = new GlobalUse(global.FullName, where, global.Offset, safety, why);
        judged.Add((global.Module, global.Name), use);
        return use;
    }

    private static GlobalUse Judge(PickleNode node, string where)
    {
        var (name, why) = node switch
        {
            PickleExtension extension => ($"(extension code {extension.Code})", "stands for a global that the file does not name"),
            PickleComputedGlobal => ("(a global whose name is made at run time)", "hides what it names"),
            _ => ("(a call of what another call returned)", "hides what it calls"),
        };
        return new GlobalUse(name, where, node.Offset, GlobalSafety.Dangerous, why);
    }
}
