using System.Runtime.InteropServices;
using QkvMigrate.Torch.Natives;

namespace QkvMigrate.Torch;

/// <summary>
/// Loads libtorch from where the user has it, and TorchSharp's own library, before TorchSharp's loader can: that one, where
/// a library does not load, speaks of a missing package reference, writes its attempts to standard output, and copies half
/// a gigabyte out of NuGet's cache beside the program (TorchSharp, torch.cs, <c>LoadNativeBackend</c>). A process has one
/// libtorch, for good.
/// </summary>
public static class TorchLibrary
{
    private static readonly Lock Gate = new();
    private static LibtorchSearch search = new(null, OwnFolders(), Environment.GetEnvironmentVariable);
    private static Action<string>? tell;
    private static bool loaded;

    /// <summary>The version of PyTorch that TorchSharp is made for.</summary>
    public static string MadeFor => LibtorchVersion.OfTorchSharp;

    /// <summary>Says what libtorch to take, before anything needs it.</summary>
    /// <param name="path">
    /// A folder of libraries, a <c>site-packages/torch</c>, a Python environment or its interpreter; null for what the environment says.
    /// </param>
    /// <param name="teller">Is told what was taken, once, when it is.</param>
    public static void Choose(string? path, Action<string>? teller)
    {
        lock (Gate)
        {
            search = search with { Named = path };
            tell = teller;
        }
    }

    /// <summary>The libtorch that would be taken, known to have all that TorchSharp needs; nothing is loaded.</summary>
    /// <exception cref="MigrationException">There is none, it does not fit, or it is not used on this system.</exception>
    public static Libtorch Find()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new MigrationException(
                FailureKind.Unavailable,
                $"libtorch is used on Linux x64 alone, and this is {RuntimeInformation.RuntimeIdentifier}; {LibtorchSearch.WhoNeedsIt}");
        }

        var found = search.Find();
        LibtorchFit.Check(found, Bridge());
        return found;
    }

    /// <summary>
    /// Loads libtorch and LibTorchSharp, once: about half a second and 150 MB. Returns when that is over, whatever has
    /// happened meanwhile: a process that ends while a thread is in libtorch's static initialisers crashes or hangs in
    /// their destructors.
    /// </summary>
    /// <exception cref="MigrationException">One of them is missing, does not fit or does not load.</exception>
    internal static void Load()
    {
        lock (Gate)
        {
            if (!loaded)
            {
                var found = Find();
                var handles = LibtorchFit.Libraries.Select(found.Library).Select(DynamicLoader.Load).ToList();
                DynamicLoader.Load(Bridge());
                loaded = true;
                tell?.Invoke((found with { Version = LibtorchVersion.OfLoaded(handles) ?? found.Version }).ToString());
            }
        }
    }

    private static string Bridge() =>
        OwnFolders().Select(folder => Path.Combine(folder, LibtorchFit.Bridge)).FirstOrDefault(File.Exists)
        ?? throw new MigrationException(
            FailureKind.Unavailable,
            $"TorchSharp's library {LibtorchFit.Bridge} is not beside the program, looked in {string.Join(", ", OwnFolders())}");

    /// <summary>Where the host looks for native libraries: the program's folder, and the platform's under <c>runtimes</c>.</summary>
    private static string[] OwnFolders() =>
        (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? AppContext.BaseDirectory)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(Path.TrimEndingDirectorySeparator)
            .ToArray();
}
