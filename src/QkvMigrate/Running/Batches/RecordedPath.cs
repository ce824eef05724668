namespace QkvMigrate.Running.Batches;

/// <summary>What a path that stands in a record can be: nothing of it may lead out of the folder that it is joined to.</summary>
internal static class RecordedPath
{
    /// <summary>Whether <paramref name="path"/> can be given to the system.</summary>
    public static bool IsOne(string? path) => path is { Length: > 0 } && !path.Contains('\0', StringComparison.Ordinal);

    /// <summary>Whether <paramref name="path"/> is a folder's own (empty) or that of something below it, as this tool writes them.</summary>
    public static bool IsBelow(string? path) =>
        path is { Length: 0 }
        || (IsOne(path)
            && !Path.IsPathRooted(path)
            && path!.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).All(name => name is not ("" or "." or "..")));

    /// <summary>The path of something in <paramref name="folder"/> as records have it: empty for the folder itself.</summary>
    public static string Below(string folder, string path) => Path.GetRelativePath(folder, path) is var relative && relative == "." ? "" : relative;

    /// <summary>Whether <paramref name="name"/> is that of a file in a folder.</summary>
    public static bool IsName(string? name) =>
        name is { Length: > 0 } && IsBelow(name) && name.AsSpan().IndexOfAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar) < 0;
}
