namespace QkvMigrate.Verification;

/// <summary>
/// The name of a fused attention module in a key or module path: <c>attn.attn</c> before pull request #1013,
/// <c>attn.qkv</c> since (litgpt/model.py, <c>CausalSelfAttention</c>, within the block's <c>attn</c>). Wrappers may stand
/// between the block and the module, and behind the module.
/// </summary>
/// <param name="Prefix">The components before the block.</param>
/// <param name="Suffix">The components behind it, without wrappers; empty where the path is the module's own.</param>
internal sealed record FusedName(string Prefix, string Suffix)
{
    /// <summary>The name of the block that the module is in.</summary>
    public const string Block = "attn";

    private const string Projection = "proj";
    private const string Weight = "weight";

    /// <summary>Finds the module of a layout in <paramref name="path"/>, the last one where there are several; null where there is none.</summary>
    public static FusedName? Find(string path, VerifiedLayout layout) =>
        ModuleIn(path, layout.Module) is { } place ? new FusedName(Before(path, place), Behind(path, place)) : null;

    /// <summary>Whether the module of any layout is in <paramref name="path"/>.</summary>
    public static bool IsIn(string path) => VerifiedLayouts.All.Any(layout => ModuleIn(path, layout.Module) is not null);

    /// <summary>The components before the block, where <paramref name="path"/> is that of the block's output projection; null where it is not.</summary>
    public static string? BlockOfProjection(string path) =>
        ModuleIn(path, Projection) is { } place && Behind(path, place) == Weight ? Before(path, place) : null;

    /// <summary>The path as it must be after a change, which is <paramref name="path"/> itself where it names no module that changes.</summary>
    public static string After(string path, VerifiedChange change) => Renamed(path, change.From, change.To);

    /// <summary>The path as today's layout has it, whichever layout it is of.</summary>
    public static string Today(string path) =>
        VerifiedLayouts.All.SkipLast(1).Aggregate(path, (name, layout) => Renamed(name, layout, VerifiedLayouts.All[^1]));

    private static string Renamed(string path, VerifiedLayout from, VerifiedLayout to) =>
        ModuleIn(path, from.Module) is { } place ? path[..place.Module] + to.Module + path[place.End..] : path;

    private static string Before(string path, Place place) => path[..Math.Max(place.Block - 1, 0)];

    private static string Behind(string path, Place place) => WrapperParts.Bare(path[Math.Min(place.End + 1, path.Length)..]);

    /// <summary>The last place of a module of the block, or null.</summary>
    private static Place? ModuleIn(ReadOnlySpan<char> path, ReadOnlySpan<char> module)
    {
        // Most names have not even its letters.
        if (path.IndexOf(module) < 0)
        {
            return null;
        }

        for (var end = path.Length; ;)
        {
            var start = path[..end].LastIndexOf('.') + 1;
            if (start == 0)
            {
                return null;
            }

            if (path[start..end].SequenceEqual(module) && BlockBefore(path[..(start - 1)]) is { } block)
            {
                return new Place(block, start, end);
            }

            end = start - 1;
        }
    }

    /// <summary>Where the block starts that <paramref name="path"/> ends with, apart from wrappers; null where it ends with something else.</summary>
    private static int? BlockBefore(ReadOnlySpan<char> path)
    {
        while (true)
        {
            var start = path.LastIndexOf('.') + 1;
            if (path[start..].SequenceEqual(Block))
            {
                return start;
            }

            if (start == 0 || !WrapperParts.Contain(path[start..]))
            {
                return null;
            }

            path = path[..(start - 1)];
        }
    }

    /// <summary>Where a block and a module of it start, and where the module ends.</summary>
    private readonly record struct Place(int Block, int Module, int End);
}
