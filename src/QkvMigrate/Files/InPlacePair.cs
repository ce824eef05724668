namespace QkvMigrate.Files;

/// <summary>
/// The names of a file that is changed in its place: under its own nobody finds it meanwhile. A killed run leaves the other two.
/// </summary>
/// <param name="Path">The file's own name.</param>
/// <param name="Hidden">Its name meanwhile.</param>
/// <param name="Journal">Its journal.</param>
internal sealed record InPlacePair(string Path, string Hidden, string Journal)
{
    /// <summary>Whether a run has left something that has to be recovered.</summary>
    public bool IsLeft => FileIdentity.OfLink(Hidden) is not null || FileIdentity.OfLink(Journal) is not null;

    /// <summary>The command that recovers it.</summary>
    public string Command => $"qkvmigrate recover {Path}";

    /// <summary>The names for a file, which need not be there.</summary>
    /// <param name="path">The file, or a link to it; or one of the two other names.</param>
    public static InPlacePair Of(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path) ?? "";
        if (TemporaryName.StemOfInPlace(System.IO.Path.GetFileName(path)) is { } stem)
        {
            return Named(folder, stem);
        }

        // At whatever end: the file that it leads to may be the one that is away.
        var file = LinkEnd.Of(path) ?? path;
        return Named(System.IO.Path.GetDirectoryName(file) ?? "", System.IO.Path.GetFileName(file));
    }

    /// <summary>What runs have left in a folder itself, in the order of the names.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static IReadOnlyList<InPlacePair> In(string folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(folder, ".*", FolderEntries.Flat)
            .Where(entry => TemporaryName.IsOfInPlace(System.IO.Path.GetFileName(entry)))
            .Select(Of)
            .Distinct()
            .OrderBy(pair => pair.Path, StringComparer.Ordinal),
    ];

    /// <summary>Whether the file is away under its other name, and nothing has its own.</summary>
    public bool IsAway => FileIdentity.OfLink(Path) is null && FileIdentity.OfLink(Hidden) is not null;

    /// <summary>Makes sure that a file is not away.</summary>
    /// <exception cref="MigrationException">It is.</exception>
    public static void CheckThere(string path)
    {
        if (Of(path) is { IsAway: true } away)
        {
            throw away.NotThere();
        }
    }

    /// <summary>Refuses one of the two other names as the name of a checkpoint.</summary>
    /// <exception cref="MigrationException">It is one.</exception>
    public static void CheckName(string path)
    {
        if (TemporaryName.IsOfInPlace(System.IO.Path.GetFileName(path)))
        {
            var pair = Of(path);
            throw new MigrationException(FailureKind.Target, $"a run that changes {pair.Path} in its place writes this, or was interrupted; `{pair.Command}` finishes the change or takes it back", path);
        }
    }

    /// <summary>The failure of whoever wants the file while it is not there.</summary>
    public MigrationException NotThere() =>
        new(FailureKind.Io, $"a run that changed it in its place was interrupted; it is {Hidden}, and `{Command}` finishes the change or takes it back", Path);

    private static InPlacePair Named(string folder, string name) => new(
        System.IO.Path.Combine(folder, name),
        System.IO.Path.Combine(folder, TemporaryName.InPlaceFor(name)),
        System.IO.Path.Combine(folder, TemporaryName.JournalFor(name)));
}
