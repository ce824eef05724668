using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification.Exports;

/// <summary>Verifies exports that a user names: a folder, or a tree of them.</summary>
internal static class ExportPaths
{
    /// <summary>A report for each export; null where the second path is none.</summary>
    /// <param name="original">A checkpoint file, a directory or a tree.</param>
    /// <param name="exported">What may be its export.</param>
    /// <param name="options">What the user says.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static IReadOnlyList<VerificationReport>? Verify(string original, string exported, VerificationOptions options, CancellationToken cancellation)
    {
        var (configuration, mode) = (options.Geometry.ConfigPath, options.Mode);
        if (!Directory.Exists(original))
        {
            return ExportVerifier.IsOne(exported)
                ? Watched(original, exported, () => ExportVerifier.Verify(original, _ => true, exported, configuration, mode, cancellation))
                : null;
        }

        if (!Directory.Exists(exported))
        {
            return null;
        }

        try
        {
            var found = new CheckpointFiles(TreeListing.Of(original, new WatchedFiles(null), cancellation), options.Selection, cancellation);
            var folders = found.Names.Where(found.IsCheckpoint).Select(name => Path.GetDirectoryName(name)!).Distinct().Order(StringComparer.Ordinal).ToList();
            var below = ExportsBelow(exported, "", cancellation).ToHashSet();
            return folders.Exists(folder => below.Contains(folder) && !ExportVerifier.IsOne(Path.Combine(original, folder)))
                ? [.. folders.SelectMany(Verify), .. below.Except(folders).Order(StringComparer.Ordinal).Select(Unknown)]
                : null;

            List<VerificationReport> Verify(string folder) => Watched(Path.Combine(original, folder), Path.Combine(exported, folder), () => ExportVerifier.Verify(
                Path.Combine(original, folder),
                name => found.IsCheckpoint(Path.Combine(folder, name)),
                Path.Combine(exported, folder),
                configuration,
                mode,
                cancellation));

            VerificationReport Unknown(string folder) => new()
            {
                Original = Path.Combine(original, folder),
                Upgraded = Path.Combine(exported, folder),
                Mode = mode,
                Differences = [new Difference("folder", "an export of no checkpoint in the first directory")],
                DifferenceCount = 1,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, original, inner: error);
        }

        List<VerificationReport> Watched(string first, string second, Func<VerificationReport> verify)
        {
            var watched = new WatchedFiles(options.Watching);
            watched.Note([.. FilesOf(first), .. FilesOf(second), .. configuration is null ? [] : new[] { configuration }]);
            return watched.Hold([verify()], change => new VerificationReport { Original = first, Upgraded = second, Mode = mode, Error = change });
        }
    }

    /// <summary>A directory with the files in it, or a file with its own directory's.</summary>
    private static IEnumerable<string> FilesOf(string path) => Directory.Exists(path)
        ? [path, .. Directory.EnumerateFiles(path)]
        : File.Exists(path) ? Directory.EnumerateFiles(FilePlace.DirectoryOf(path)) : [path];

    /// <summary>The folders of a tree that are exports, relative to its root.</summary>
    private static IEnumerable<string> ExportsBelow(string root, string folder, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = Path.Combine(root, folder);
        return [.. ExportVerifier.IsOne(path) ? new[] { folder } : [], .. FolderListing.Of(path).Folders.SelectMany(child => ExportsBelow(root, Path.Combine(folder, child), cancellation))];
    }
}
