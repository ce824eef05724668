namespace QkvMigrate.Cli.Tests.Support;

/// <summary>A copy of the program under test without libtorch, as <c>dotnet publish -p:TorchBackend=none</c> makes it, and the libtorch by itself.</summary>
internal static class BareProgram
{
    private const string Bridge = "libLibTorchSharp.so";

    private static string Home { get; } = Path.GetDirectoryName(BuildFacts.Program)!;

    private static string Natives { get; } =
        new[] { Home, Path.Combine(Home, "runtimes", "linux-x64", "native") }.First(folder => File.Exists(Path.Combine(folder, Bridge)));

    /// <summary>The folder of the libtorch that the tests' program has, or null where that takes one from elsewhere.</summary>
    public static string? Libtorch { get; } = File.Exists(Path.Combine(Natives, "libtorch_cpu.so")) ? Natives : null;

    /// <summary>Makes the copy in <paramref name="folder"/>, and returns the program.</summary>
    public static string CopyTo(string folder)
    {
        Directory.CreateDirectory(folder);

        // Without its list of files, .NET's host takes what lies beside the program.
        var files = BuildFacts.IsNative ? [BuildFacts.Program] : Directory.EnumerateFiles(Home).Where(file => !file.EndsWith(".deps.json", StringComparison.Ordinal));
        foreach (var file in files.Append(Path.Combine(Natives, Bridge)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        return Path.Combine(folder, Path.GetFileName(BuildFacts.Program));
    }
}
