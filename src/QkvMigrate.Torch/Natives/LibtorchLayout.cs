namespace QkvMigrate.Torch.Natives;

/// <summary>Where below a path libtorch's libraries can be. Only names are looked at: nothing is run to find them.</summary>
internal static class LibtorchLayout
{
    /// <summary>The library by which a libtorch is known.</summary>
    public const string Landmark = "libtorch_cpu.so";

    /// <summary>
    /// The folders to look in, the best first. <paramref name="path"/> is a folder of libraries, an unpacked libtorch, a
    /// package of NuGet, <c>site-packages</c> or the <c>torch</c> in it, a Python environment, its interpreter, or the library itself.
    /// </summary>
    public static IEnumerable<string> Folders(string path)
    {
        if (!File.Exists(path))
        {
            return OwnFolders(path).Concat(PythonFolders.OfEnvironment(path).SelectMany(InPackages));
        }

        var name = Path.GetFileName(path);
        return name == Landmark ? [Path.GetDirectoryName(path)!]
            : name.StartsWith("python", StringComparison.Ordinal) ? PythonFolders.OfInterpreter(path).SelectMany(InPackages)
            : [];
    }

    /// <summary>The first of the folders with libtorch in it, or null.</summary>
    public static string? Find(string path) => Folders(path).FirstOrDefault(IsLibtorch);

    /// <summary>Whether a folder has libtorch's libraries.</summary>
    public static bool IsLibtorch(string folder) => File.Exists(Path.Combine(folder, Landmark));

    private static IEnumerable<string> OwnFolders(string path) =>
        [path, Path.Combine(path, "lib"), Path.Combine(path, "runtimes", "linux-x64", "native"), .. InPackages(path)];

    /// <summary>Of a <c>site-packages</c>.</summary>
    private static IEnumerable<string> InPackages(string packages) => [Path.Combine(packages, "torch", "lib")];
}
