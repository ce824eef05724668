using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace QkvMigrate.Torch.Natives;

/// <summary>Which PyTorch some libraries are of, by what lies beside them. The libraries themselves say it only when they are loaded.</summary>
internal static unsafe partial class LibtorchVersion
{
    /// <summary>The version of PyTorch that TorchSharp is made for. TorchSharp's own answer, <c>torch.__version__</c>, would load libtorch.</summary>
    public static string OfTorchSharp { get; } = BuildFact("LibtorchOfTorchSharp")!;

    /// <summary>The version of the libtorch that the build put beside the program, or null where it put none.</summary>
    public static string? Beside { get; } = BuildFact("LibtorchBeside");

    /// <summary>The version of the libraries in <paramref name="folder"/>, such as <c>2.11.0+cu130</c>, or null where nothing tells.</summary>
    public static string? Of(string folder) =>
        InFiles(folder) ?? (PackageFolder().Match(folder) is { Success: true } package ? package.Groups["version"].Value : null);

    /// <summary>
    /// What libraries that are loaded say themselves, or null where they are older than PyTorch 2.9 (torch/csrc/stable,
    /// <c>aoti_torch_abi_version</c>).
    /// </summary>
    public static string? OfLoaded(IEnumerable<nint> handles)
    {
        foreach (var handle in handles)
        {
            if (NativeLibrary.TryGetExport(handle, "aoti_torch_abi_version", out var function))
            {
                // A byte each for major, minor and patch, from the highest on.
                var version = ((delegate* unmanaged<ulong>)function)();
                return $"{version >> 56}.{(version >> 48) & 0xff}.{(version >> 40) & 0xff}";
            }
        }

        return null;
    }

    /// <summary>
    /// Python's package has <c>torch/version.py</c>, the unpacked libtorch <c>build-version</c>; conda's libraries lie in the folder above
    /// the packages.
    /// </summary>
    private static string? InFiles(string folder)
    {
        var parent = Path.GetDirectoryName(folder) ?? folder;
        var python = Directory.EnumerateDirectories(folder, "python3*").Select(packages => Path.Combine(packages, "site-packages", "torch", "version.py"));
        return python.Prepend(Path.Combine(parent, "version.py")).Where(File.Exists).Select(file => PythonVersion().Match(File.ReadAllText(file)))
            .Where(found => found.Success).Select(found => found.Groups["version"].Value).FirstOrDefault()
            ?? (Path.Combine(parent, "build-version") is var file && File.Exists(file) && BuildVersion().Match(File.ReadAllText(file)) is { Success: true } built ? built.Value : null);
    }

    private static string? BuildFact(string name) =>
        typeof(LibtorchVersion).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(fact => fact.Key == name)?.Value;

    [GeneratedRegex(@"^__version__\s*=\s*'(?<version>[0-9A-Za-z.+-]{1,64})'", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PythonVersion();

    [GeneratedRegex(@"^[0-9A-Za-z.+-]{1,64}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BuildVersion();

    [GeneratedRegex(@"/libtorch-[^/]+/(?<version>[0-9][0-9A-Za-z.+-]{0,63})/runtimes/[^/]+/native/?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PackageFolder();
}
