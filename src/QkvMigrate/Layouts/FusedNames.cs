namespace QkvMigrate.Layouts;

/// <summary>Finds fused modules in keys and module paths, and changes their names.</summary>
public static class FusedNames
{
    /// <summary>The same key or module path with the module's name in the family <paramref name="to"/>. Wrappers in it stay where they are.</summary>
    public static string Renamed(string path, LayoutFamily from, LayoutFamily to) =>
        TryFind(path, from.Module, out _, out var last, out var end)
            ? string.Concat(path.AsSpan(0, last), Component(to.Module, to.Module.Length), path.AsSpan(end))
            : path;

    /// <summary>
    /// Cuts a key or module path at <paramref name="module"/>, which must stand in it as whole components, with nothing
    /// between them but wrappers (<see cref="WrapperNames"/>). False where it does not. <paramref name="suffix"/> is without
    /// wrappers, and empty where the path ends with the module.
    /// </summary>
    public static bool TrySplit(string path, string module, out string prefix, out string suffix)
    {
        if (!TryFind(path, module, out var start, out _, out var end))
        {
            prefix = suffix = "";
            return false;
        }

        prefix = path[..start];
        suffix = end == path.Length ? "" : WrapperNames.Removed(path[(end + 1)..]);
        return true;
    }

    /// <summary>Where the last component of <paramref name="module"/> starts in a path that <see cref="TrySplit"/> cuts.</summary>
    internal static int LastComponent(string path, string module) =>
        TryFind(path, module, out _, out var last, out _) ? last : throw new ArgumentException($"{path} does not name {module}", nameof(path));

    /// <summary>Finds the last place of a module in a path: where its first and its last component start, and where the last one ends.</summary>
    private static bool TryFind(string path, string module, out int start, out int last, out int end)
    {
        // Most names have not even its letters in them: these are looked for in one go.
        var mayBeThere = path.AsSpan().IndexOf(Component(module, module.Length)) >= 0;
        for (end = mayBeThere ? path.Length : 0; end > 0; end = path.LastIndexOf('.', end - 1))
        {
            if (EndsAt(path, end, module, out start, out last))
            {
                return true;
            }
        }

        start = last = -1;
        return false;
    }

    private static bool EndsAt(string path, int end, string module, out int start, out int last)
    {
        (start, last) = (-1, -1);
        for (var left = module.Length; end >= 0;)
        {
            var component = Component(path, end);
            var expected = Component(module, left);
            start = end - component.Length;
            if (component.SequenceEqual(expected))
            {
                last = last < 0 ? start : last;
                left -= expected.Length + 1;
                if (left < 0)
                {
                    return true;
                }
            }
            else if (last < 0 || !WrapperNames.IsOne(component))
            {
                return false;
            }

            end = start - 1;
        }

        return false;
    }

    /// <summary>The component that ends at <paramref name="end"/>.</summary>
    private static ReadOnlySpan<char> Component(string path, int end)
    {
        var before = path.AsSpan(0, end);
        return before[(before.LastIndexOf('.') + 1)..];
    }
}
