namespace QkvMigrate.Verification;

/// <summary>
/// Components that wrapping modules put into a key or module path, anywhere in it: <c>torch.compile</c>, Lightning Fabric,
/// data parallelism, FSDP of any age, activation checkpointing of any age.
/// </summary>
internal static class WrapperParts
{
    private static readonly HashSet<string> Names =
        ["_orig_mod", "_forward_module", "module", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module", "mod"];

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Parts = Names.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a component is a wrapper's.</summary>
    public static bool Contain(ReadOnlySpan<char> component) => Parts.Contains(component);

    /// <summary>A name without them: what the module itself is called.</summary>
    public static string Bare(string name)
    {
        foreach (var part in name.AsSpan().Split('.'))
        {
            if (Contain(name.AsSpan()[part]))
            {
                return string.Join('.', name.Split('.').Where(part => !Names.Contains(part)));
            }
        }

        return name;
    }
}
