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
            return ExportVerifier.IsOne(exported) ? [ExportVerifier.Verify(original, _ => true, exported, configuration, mode, cancellation)] : null;
        }

        if (!Directory.Exists(exported))
        {
            return null;
        }

        try
        {
            var found = new CheckpointFiles(original, options.Selection, cancellation);
            var folders = found.Names.Where(found.IsCheckpoint).Select(name => Path.GetDirectoryName(name)!).Distinct().Order(StringComparer.Ordinal).ToList();
            var below = ExportsBelow(exported, "", cancellation).ToHashSet();
            return folders.Exists(folder => below.Contains(folder) && !ExportVerifier.IsOne(Path.Combine(original, folder)))
                ? [.. folders.Select(Verify), .. below.Except(folders).Order(StringComparer.Ordinal).Select(Unknown)]
                : null;

            VerificationReport Verify(string folder) => ExportVerifier.Verify(
                Path.Combine(original, folder),
                name => found.IsCheckpoint(Path.Combine(folder, name)),
                Path.Combine(exported, folder),
                configuration,
                mode,
                cancellation);

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
    }

    /// <summary>The folders of a tree that are exports, relative to its root.</summary>
    private static IEnumerable<string> ExportsBelow(string root, string folder, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = Path.Combine(root, folder);
        return [.. ExportVerifier.IsOne(path) ? new[] { folder } : [], .. FolderListing.Of(path).Folders.SelectMany(child => ExportsBelow(root, Path.Combine(folder, child), cancellation))];
    }
}
