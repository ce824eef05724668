using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>The folders above what is written: a file is lost with the name of any of them.</summary>
internal static class DurablePath
{
    private static readonly Lock Making = new();

    /// <summary>
    /// Makes a folder and those above it, where they are not there, and brings their names to the disk. While one thread does so, no
    /// other one relies on them.
    /// </summary>
    /// <exception cref="IOException">One cannot be made.</exception>
    public static void Create(string folder)
    {
        lock (Making)
        {
            var missing = new Stack<string>();
            for (var above = Path.GetFullPath(folder); !Directory.Exists(above); above = FilePlace.DirectoryOf(above))
            {
                missing.Push(above);
            }

            foreach (var made in missing)
            {
                Directory.CreateDirectory(made);
                HostSystem.Current.FlushFolder(FilePlace.DirectoryOf(made));
            }
        }
    }
}
