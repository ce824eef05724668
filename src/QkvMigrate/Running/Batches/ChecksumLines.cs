namespace QkvMigrate.Running.Batches;

/// <summary>The lines that <c>sha256sum</c> (GNU coreutils) writes and that <c>sha256sum -c</c> reads.</summary>
internal static class ChecksumLines
{
    /// <summary>A line for each file of a unit that is finished, by its path from the output's root.</summary>
    public static IReadOnlyList<(string Path, string Line)> Of(ManifestEntry entry) => entry.State != ManifestState.Finished ? [] :
        [
            .. entry.Result.Where(file => file.Link is null)
                .Select(file => (Path: Slashed(Path.Combine(entry.Path, file.Path)), file.Sha256))
                .Select(file => (file.Path, Line(file.Path, file.Sha256))),
        ];

    /// <summary>The list: the lines of all units in the order of their paths.</summary>
    public static string Join(IEnumerable<IReadOnlyList<(string Path, string Line)>> units) =>
        string.Concat(units.SelectMany(unit => unit).OrderBy(file => file.Path, StringComparer.Ordinal).Select(file => file.Line));

    /// <summary>The list has one form on all systems.</summary>
    private static string Slashed(string path) => path.Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>A name with a backslash or a line's end is escaped, and its line begins with a backslash (coreutils' manual, "md5sum invocation").</summary>
    private static string Line(string path, string digest)
    {
        var escaped = path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return $"{(escaped == path ? "" : "\\")}{digest}  {escaped}\n";
    }
}
