using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Originals;

/// <summary>
/// Proves what an upgrade or a downgrade made, from nothing but the SHA-256 of what it was made from: every file that the hub of Hugging
/// Face keeps has one published.
/// </summary>
public static class OriginalProver
{
    /// <summary>Makes the originals again, into hashes, and compares these. What is wrong with a file is in its report.</summary>
    /// <exception cref="MigrationException">The path as a whole is of no use: not there, a directory with the checksum of one file, or without checkpoints.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static OriginalProof Run(OriginalRequest request, CancellationToken cancellation)
    {
        if (!Directory.Exists(request.Path))
        {
            return OfFile(request, cancellation);
        }

        if (request.Checksums.Single is not null)
        {
            throw new MigrationException(
                FailureKind.Usage,
                "a checksum proves one file, and this is a directory; --original-sha256sums takes a list of its files' checksums",
                request.Path);
        }

        var tree = CheckpointTree.Find(request.Path, request.Selection, cancellation);
        var units = tree.Units.Select(unit => new UnitOriginals(request, unit, cancellation)).ToList();
        List<OriginalReport> reports =
        [
            .. units.SelectMany(unit => unit.Prove()),
            .. Elsewhere(request, tree, cancellation),
            .. tree.Unreadable.Select(folder => new OriginalReport { Path = folder.Path, Error = folder.Error }),
        ];
        if (reports.Select(report => report.Made).OfType<Layouts.Conversion>().Distinct().Count() > 1)
        {
            reports.Add(new OriginalReport
            {
                Path = request.Path,
                Problem = "some of its checkpoints were upgraded and others downgraded; --direction says what is meant",
            });
        }

        // The list itself may lie in the directory.
        var list = Path.GetFullPath(request.Checksums.File!);
        return new OriginalProof(reports, [.. units.SelectMany(unit => unit.Unlisted).Where(path => path != list)]);
    }

    private static OriginalProof OfFile(OriginalRequest request, CancellationToken cancellation)
    {
        InPlacePair.CheckThere(request.Path);
        if (FileIdentity.Of(request.Path) is null)
        {
            throw new MigrationException(FailureKind.Io, "there is no such file or directory", request.Path);
        }

        var expected = request.Checksums.Single ?? request.Checksums.Find(Path.GetFileName(request.Path)) ?? throw new MigrationException(
            FailureKind.Usage,
            $"it has no line for '{Path.GetFileName(request.Path)}'; --original-sha256 takes a checksum whatever the file was called",
            request.Checksums.File);
        IReadOnlyList<TensorEntry> none = [];
        return new OriginalProof([new CheckpointOriginal(request, cancellation).Prove(request.Path, expected, none)], []);
    }

    /// <summary>The files of the list that belong to no unit: no run of this tool changes such, and some are not there.</summary>
    private static IEnumerable<OriginalReport> Elsewhere(OriginalRequest request, CheckpointTree tree, CancellationToken cancellation)
    {
        var known = tree.AllUnits
            .SelectMany(unit => unit.Checkpoints.Concat(unit.OtherFiles).Concat(unit.Links.Select(link => link.Path)).Select(name => Path.Combine(unit.RelativePath, name)))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var name in request.Checksums.Names.Where(name => !known.Contains(name)))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return PlainOriginal.Prove(Path.Combine(request.Path, name), request.Checksums.Find(name)!, cancellation);
        }
    }
}
