using System.Runtime.InteropServices;

namespace QkvMigrate.Files;

/// <summary>
/// Paths as the system, shells and Python read them: a link is followed, and then <c>..</c> goes up from where it led. .NET takes <c>..</c>
/// by the names alone, and with it all of this library: whose paths come from a user has each read here first.
/// </summary>
public static class SystemPath
{
    /// <summary>
    /// A path that leads by its names alone to where the system finds <paramref name="path"/>: the same text, but where <c>..</c> stands
    /// behind a link. There the folder that the system goes up to stands, in full, and the rest as it was.
    /// </summary>
    /// <param name="path">The path. Its last name need not be there.</param>
    /// <exception cref="MigrationException"><c>..</c> stands behind something that is not there or is no folder.</exception>
    public static string Follow(string path)
    {
        // Windows takes '..' by the names itself.
        if (OperatingSystem.IsWindows() || path.Length == 0)
        {
            return path;
        }

        var (kept, names, root) = (new List<string>(), new List<string>(), path.StartsWith('/') ? "/" : "");
        foreach (var part in path.Split('/'))
        {
            switch (part)
            {
                case "":
                    break;
                case "." when names.Count > 0:
                    CheckBefore(part);
                    break;
                case ".." when names.Count > 0 && names[^1] != "..":
                    if (CheckBefore(part) is { } above && LinkEnd.Of(root + string.Join('/', names)) is { } end)
                    {
                        GoTo(Path.GetDirectoryName(end) ?? end, above);
                        continue;
                    }

                    names.RemoveAt(names.Count - 1);
                    break;
                case ".":
                case ".." when root.Length > 0:
                    break;
                default:
                    names.Add(part);
                    break;
            }

            kept.Add(part);
        }

        return Text(kept);

        // What the system finds under what stands before a '.' or '..' and that one. A name before '.' may be that of a folder to be made.
        FileIdentity? CheckBefore(string part)
        {
            var before = Text(kept);
            if (FileIdentity.Of($"{before}/{part}") is { } found)
            {
                return found;
            }

            var error = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            return part == "." && FileIdentity.Of(before.TrimEnd('/')) is null
                ? null
                : throw new MigrationException(FailureKind.Io, $"{error}, where a folder was expected", path, $"'{part}' behind {before}");
        }

        void GoTo(string folder, FileIdentity expected)
        {
            if (FileIdentity.Of(folder) is not { } found || !found.IsSameFile(expected))
            {
                throw new MigrationException(FailureKind.Io, $"the system finds another folder than {folder}", path, $"'..' behind {Text(kept)}");
            }

            root = "/";
            names = [.. folder.Split('/', StringSplitOptions.RemoveEmptyEntries)];
            kept = ["", .. names];
        }

        // The root is one empty part, and nothing before it.
        static string Text(List<string> parts) => parts is [""] ? "/" : string.Join('/', parts);
    }
}
