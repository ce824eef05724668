namespace QkvMigrate.Torch.Natives;

/// <summary>
/// Whether a libtorch has all that TorchSharp's own library asks of it. Names of C++ functions carry the types of their
/// arguments, so that a version in which one of those has changed lacks the symbol; this is told from the files, before
/// anything of them is loaded.
/// </summary>
internal static class LibtorchFit
{
    /// <summary>The library through which TorchSharp calls libtorch.</summary>
    public const string Bridge = "libLibTorchSharp.so";

    /// <summary>The libraries that a bridge is linked to, in the order in which they are loaded.</summary>
    public static readonly IReadOnlyList<string> Libraries = ["libc10.so", LibtorchLayout.Landmark, "libtorch.so"];

    /// <summary>Refuses a libtorch that does not fit.</summary>
    /// <param name="libtorch">The libraries.</param>
    /// <param name="bridge">TorchSharp's own library.</param>
    /// <exception cref="MigrationException">A library is missing, damaged or for another machine, or a symbol is missing.</exception>
    public static void Check(Libtorch libtorch, string bridge)
    {
        var opened = new List<ElfLibrary>();
        try
        {
            // The one by which the folder was taken for a libtorch comes first: where it is none, its neighbours say nothing.
            foreach (var name in Libraries.OrderByDescending(name => name == LibtorchLayout.Landmark))
            {
                opened.Add(Open(libtorch, name));
            }

            using var asking = ElfLibrary.Open(bridge);
            var missing = asking.RequiredSymbols().Where(symbol => !opened.Exists(library => library.Exports(symbol))).ToList();
            if (missing.Count > 0)
            {
                var others = missing.Count > 1 ? $", and {missing.Count - 1} more" : "";
                throw new MigrationException(
                    FailureKind.Unavailable,
                    $"libtorch {libtorch.VersionText} does not fit TorchSharp, which is made for PyTorch {LibtorchVersion.OfTorchSharp}: symbol {missing[0]} is missing{others}",
                    $"{libtorch.Folder} ({libtorch.Origin})");
            }
        }
        finally
        {
            opened.ForEach(library => library.Dispose());
        }
    }

    private static ElfLibrary Open(Libtorch libtorch, string name) =>
        File.Exists(libtorch.Library(name)) ? ElfLibrary.Open(libtorch.Library(name))
        : throw new MigrationException(
            FailureKind.Unavailable,
            $"no {name}, which a libtorch has beside its {LibtorchLayout.Landmark}",
            $"{libtorch.Folder} ({libtorch.Origin})");
}
