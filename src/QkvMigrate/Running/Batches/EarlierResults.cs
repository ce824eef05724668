using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>What a run may do to the results that earlier runs made of a unit.</summary>
/// <param name="standing">What stands of them.</param>
/// <param name="isForced">Whether the user gave <c>--force</c>.</param>
internal sealed class EarlierResults(StandingResults standing, bool isForced)
{
    /// <summary>
    /// Whether a result may replace what is at <paramref name="file"/>, a path in the unit's directory: this tool wrote it, and
    /// nobody has changed it since. False where nothing is there, or a file of the user's.
    /// </summary>
    /// <exception cref="MigrationException">What this tool wrote there was changed since.</exception>
    public bool MayReplace(string file)
    {
        if (isForced || standing.IsAsWritten(file))
        {
            return true;
        }

        if (standing.IsKnown(file) && !standing.IsGone(file))
        {
            throw new MigrationException(
                FailureKind.Target,
                "this is to be made again, but was changed since it was made; --force replaces it",
                standing.PathOf(file));
        }

        return false;
    }

    /// <summary>Whether a link may be put where <paramref name="link"/> is: nothing is there, the same link, or what this tool made.</summary>
    /// <exception cref="MigrationException">What this tool made there was changed since, or is of a checkpoint that is gone.</exception>
    public bool MayPut(KeptLink link)
    {
        if (standing.IsGone(link.Path) || standing.HasLink(link.Path, link.Text))
        {
            return true;
        }

        if (standing.IsOrphan(link.Path) && !isForced)
        {
            throw OrphanedResult.Failure(standing.PathOf(link.Path));
        }

        return MayReplace(link.Path);
    }

    /// <summary>Whether nothing stands at a path in the unit's directory but results that the source no longer makes.</summary>
    /// <param name="path">The path, that of a file or of a folder.</param>
    /// <param name="results">What the source makes now.</param>
    public bool Clears(string path, IEnumerable<string> results)
    {
        var stale = standing.StaleBeside(results).ToHashSet(StringComparer.Ordinal);
        return IsStale(path);

        bool IsStale(string path) => FileIdentity.OfLink(standing.PathOf(path)) is not { IsDirectory: true }
            ? stale.Contains(path)
            : new DirectoryInfo(standing.PathOf(path)).EnumerateFileSystemInfos().All(entry => IsStale(Path.Combine(path, entry.Name)));
    }

    /// <summary>Refuses to remove results that the source no longer makes, where somebody has worked on them.</summary>
    /// <param name="results">What the source makes now.</param>
    /// <exception cref="MigrationException">One was changed.</exception>
    public void CheckStale(IEnumerable<string> results)
    {
        if (!isForced && standing.StaleBeside(results).FirstOrDefault(file => !standing.IsAsWritten(file)) is { } changed)
        {
            throw new MigrationException(
                FailureKind.Target,
                "the source no longer makes this, but it was changed since it was made; --force removes it",
                standing.PathOf(changed));
        }
    }

    /// <summary>The results that stay in the account beside new ones. With <c>--force</c>, those whose checkpoint is gone leave the account.</summary>
    /// <param name="results">What the source makes now.</param>
    public IReadOnlyList<ResultFile> KeptBeside(IEnumerable<string> results)
    {
        var kept = standing.KeptBeside(results);
        return isForced ? [.. kept.Where(file => file.Source is not { } checkpoint || standing.HasSource(checkpoint))] : kept;
    }

    /// <summary>Removes the results that the source no longer makes.</summary>
    /// <param name="results">What the source makes now.</param>
    /// <returns>What was removed.</returns>
    public IReadOnlyList<string> RemoveStale(IEnumerable<string> results)
    {
        var stale = standing.StaleBeside(results);
        foreach (var file in stale)
        {
            standing.Remove(file);
        }

        return stale;
    }
}
