using System.Security.Cryptography;

namespace QkvMigrate.Testing;

/// <summary>A temporary folder of one test.</summary>
public sealed class WorkFolder : IDisposable
{
    private const string Prefix = "qkvmigrate-tests-";

    private readonly DirectoryInfo _folder;

    public WorkFolder()
        : this(null)
    {
    }

    /// <summary>A folder whose path other users of the machine may walk: a TMPDIR may be this user's alone.</summary>
    public static WorkFolder ForOthers() => new("/tmp");

    /// <summary>Makes the folder in <paramref name="parent"/> instead of where temporary folders are.</summary>
    public WorkFolder(string? parent) => _folder = parent is null
        ? Directory.CreateTempSubdirectory(Prefix)
        : Directory.CreateDirectory(System.IO.Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}"));

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>A path in the folder.</summary>
    public string At(params string[] names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>Writes a text file into the folder, and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <summary>Copies a checkpoint directory into the folder, by default under its own name, and returns the copy's path.</summary>
    public string Take(string directory, string? name = null)
    {
        var copy = At(name ?? System.IO.Path.GetFileName(directory));
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            File.Copy(file, System.IO.Path.Combine(copy, System.IO.Path.GetFileName(file)));
        }

        return copy;
    }

    /// <summary>Every file below the folder with the SHA-256 of its content.</summary>
    public SortedDictionary<string, string> Snapshot() => Snapshot(Path);

    /// <summary>Every file below <paramref name="directory"/> with the SHA-256 of its content.</summary>
    public static SortedDictionary<string, string> Snapshot(string directory)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            files.Add(System.IO.Path.GetRelativePath(directory, file), Sha256(file));
        }

        return files;
    }

    public static string Sha256(string file)
    {
        using var content = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(content));
    }
}
