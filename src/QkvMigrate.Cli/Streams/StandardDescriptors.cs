using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace QkvMigrate.Cli.Streams;

/// <summary>Descriptors 0 to 2 of Unix, which a parent may have left closed.</summary>
[UnsupportedOSPlatform("windows")]
internal static partial class StandardDescriptors
{
    public const int Input = 0;
    public const int Output = 1;
    public const int Error = 2;

    private const int GetDescriptorFlags = 1; // F_GETFD
    private const int ClosedByExec = 1; // FD_CLOEXEC
    private const int ReadOnly = 0; // O_RDONLY
    private const int WriteOnly = 1; // O_WRONLY
    private const string Nothing = "/dev/null";

    /// <summary>
    /// Takes each that is closed, so that no file which is opened later gets its number and is written by mistake. It is
    /// opened the wrong way round: what is written there fails, as it did while it was closed, and is told.
    /// </summary>
    /// <returns>
    /// Those that were closed and that .NET's runtime, where one starts the program, opened for itself before: they must not
    /// be written. What the parent left open has come through exec, and what the runtime opens would not.
    /// </returns>
    public static IReadOnlySet<int> Fill()
    {
        var taken = new HashSet<int>();
        for (var descriptor = Input; descriptor <= Error; descriptor++)
        {
            var flags = Control(descriptor, GetDescriptorFlags);
            if (flags < 0)
            {
                // The lowest number that is free is the one that open gives.
                Open(Nothing, descriptor == Input ? WriteOnly : ReadOnly);
            }
            else if ((flags & ClosedByExec) != 0)
            {
                taken.Add(descriptor);
            }
        }

        return taken;
    }

    // The system's numbers of arguments vary; neither of these two passes more.
    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
