using QkvMigrate.Files;

namespace QkvMigrate.Folders;

/// <summary>
/// Folders in which each file is named by the digest of its content, with links to them under the names that people know:
/// Hugging Face's cache, git-annex, DVC. What is written into such a file is no longer what its name says, for everybody.
/// </summary>
internal static class ContentStore
{
    /// <summary>Hexadecimal digits from which on a name is taken for a digest: DVC splits an MD5 in 2 and 30.</summary>
    private const int DigestDigits = 30;

    /// <summary>Whether <paramref name="folder"/> is such a store.</summary>
    public static bool IsOne(string folder) => Path.GetFileName(folder) switch
    {
        "blobs" => Directory.Exists(Path.Combine(Path.GetDirectoryName(folder)!, "snapshots")),
        "annex" => FolderAbove(folder) == ".git",
        "cache" => FolderAbove(folder) == ".dvc",
        _ => false,
    };

    /// <summary>Whether <paramref name="file"/>, which has a name of its own or is the end of the link <paramref name="name"/>, is kept in one.</summary>
    public static bool Keeps(string name, string file)
    {
        for (var folder = Path.GetDirectoryName(Path.GetFullPath(file)); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (IsOne(folder))
            {
                return true;
            }
        }

        return FileIdentity.OfLink(name) is { IsLink: true } && IsDigest(Path.GetFileName(file)) && !IsDigest(Path.GetFileName(name));
    }

    private static string? FolderAbove(string folder) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(folder)));

    /// <summary>Whether a name ends in a digest, as "sha256-0123..." does too.</summary>
    private static bool IsDigest(string name) => name.Length >= DigestDigits && name[^DigestDigits..].All(char.IsAsciiHexDigit);
}
