using System.Runtime.InteropServices;

namespace QkvMigrate.Torch.Natives;

/// <summary>
/// The system's loader (dlopen(3)). .NET's own call binds symbols when they are first used, so that one that is missing
/// would end the process in the middle of its work; here all are bound at once, as Python does with PyTorch's libraries.
/// </summary>
internal static partial class DynamicLoader
{
    private const int BindNow = 2; // RTLD_NOW

    /// <summary>Loads a library for good, and returns its handle. What asks for a library of its name later finds it loaded.</summary>
    /// <exception cref="MigrationException">The loader refuses, and says why.</exception>
    public static nint Load(string path)
    {
        // The first call clears what an earlier failure left, and has the runtime look up the function itself.
        _ = LastError();
        var handle = Open(Path.GetFullPath(path), BindNow);
        return handle != 0 ? handle
            : throw new MigrationException(
                FailureKind.Unavailable,
                $"the library does not load: {Marshal.PtrToStringUTF8(LastError()) ?? "the loader gives no reason"}",
                path);
    }

    [LibraryImport("libdl.so.2", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int mode);

    [LibraryImport("libdl.so.2", EntryPoint = "dlerror")]
    private static partial nint LastError();
}
