namespace QkvMigrate.Files;

/// <summary>
/// Where a symbolic link leads in the end. .NET's own answer is another file's path where what stands in a link begins with <c>..</c> and the
/// link is in a folder that is a link itself, and where a link is named without a folder.
/// </summary>
internal static class LinkEnd
{
    /// <summary>As many links in a row as the system follows (path_resolution(7)).</summary>
    private const int MostLinks = 40;

    /// <summary>
    /// The path of what a link leads to, which need not be there, with no link in it; null where <paramref name="path"/> is no link, or
    /// leads in a circle.
    /// </summary>
    public static string? Of(string path)
    {
        if (FileIdentity.OfLink(path) is not { IsLink: true })
        {
            return null;
        }

        var full = Path.GetFullPath(path);
        var (at, left) = (Path.GetPathRoot(full)!, new Stack<string>());
        Push(full);
        for (var links = 0; left.TryPop(out var name);)
        {
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? at;
                continue;
            }

            var next = Path.Combine(at, name);
            if (new FileInfo(next).LinkTarget is not { } text)
            {
                at = next;
            }
            else if (++links > MostLinks)
            {
                return null;
            }
            else
            {
                at = Path.IsPathRooted(text) ? Path.GetPathRoot(Path.GetFullPath(text, at))! : at;
                Push(text);
            }
        }

        return at;

        void Push(string text)
        {
            var names = text[Path.GetPathRoot(text)!.Length..]
                .Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
            foreach (var name in names.Reverse().Where(name => name != "."))
            {
                left.Push(name);
            }
        }
    }
}
