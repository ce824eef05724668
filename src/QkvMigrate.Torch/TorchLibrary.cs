using System.Runtime.InteropServices;

namespace QkvMigrate.Torch;

/// <summary>
/// Loads TorchSharp's native libraries, before TorchSharp's own loader can: that one, where a library does not load,
/// speaks of a missing package reference, writes its attempts to standard output, and copies half a gigabyte out of
/// NuGet's cache beside the program (TorchSharp, torch.cs, <c>LoadNativeBackend</c>).
/// </summary>
internal static class TorchLibrary
{
    // TorchSharp asks for them in this order; libtorch_cuda comes with the CUDA build alone.
    private static readonly string[] Names = ["torch_cpu", "LibTorchSharp"];
    private const string Users = "only generate, bench, verify --forward and --engine torch need it";
    private static readonly Lock Gate = new();
    private static bool loaded;

    /// <summary>True where this build carries libtorch for CUDA.</summary>
    public static bool HasCuda => Find(FileName("torch_cuda"), SearchedFolders()) is not null;

    /// <summary>
    /// Loads libtorch and LibTorchSharp, once: about half a second and 150 MB. Returns when that is over, whatever has
    /// happened meanwhile: a process that ends while a thread is in libtorch's static initialisers crashes or hangs in
    /// their destructors.
    /// </summary>
    /// <exception cref="MigrationException">One of them is missing or does not load.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (!loaded)
            {
                Load(SearchedFolders());
                loaded = true;
            }
        }
    }

    /// <summary>Loads the libraries from the first of the folders that has each.</summary>
    internal static void Load(IReadOnlyList<string> folders)
    {
        foreach (var name in Names)
        {
            var file = FileName(name);
            var path = Find(file, folders)
                ?? throw new MigrationException(FailureKind.Unavailable, $"TorchSharp's library {file} is not beside the program, looked in {string.Join(", ", folders)}; {Users}");
            try
            {
                NativeLibrary.Load(path);
            }
            catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
            {
                throw new MigrationException(FailureKind.Unavailable, $"TorchSharp's library does not load: {Reason(exception.Message)}; {Users}", path, inner: exception);
            }
        }
    }

    /// <summary>The system loader's own words: the last line, behind .NET's advice on how to find them.</summary>
    private static string Reason(string message) =>
        message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];

    private static string? Find(string file, IReadOnlyList<string> folders) =>
        folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    private static string FileName(string name)
    {
        if (OperatingSystem.IsWindows())
        {
            return name + ".dll";
        }

        return OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
    }

    /// <summary>Where the host looks for native libraries: the program's folder, and the platform's under <c>runtimes</c>.</summary>
    private static string[] SearchedFolders() =>
        (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? AppContext.BaseDirectory)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}
