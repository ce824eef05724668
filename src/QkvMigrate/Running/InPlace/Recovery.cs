using System.Collections.ObjectModel;
using QkvMigrate.Files;
using QkvMigrate.Reordering;
using QkvMigrate.Writing;
using QkvMigrate.Writing.InPlace;

namespace QkvMigrate.Running.InPlace;

/// <summary>Finishes or takes back what runs with <see cref="MigrationRequest.Journal"/> have left when they were interrupted.</summary>
public static class Recovery
{
    private static readonly EnumerationOptions Subfolders = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    /// <summary>
    /// Recovers what is left of a file, or of any in or below a folder: a report for each. It goes forward to the new file, and back to
    /// the old one where that was begun, where the new one does not pass its verification, or where the user wants it.
    /// </summary>
    /// <param name="path">The file's name, one of the two names that it was left under, or a folder.</param>
    /// <param name="isUndo">Whether the old file is wanted.</param>
    /// <param name="progress">Receives the progress, or null.</param>
    /// <param name="cancellation">Ends the work between two steps.</param>
    /// <exception cref="MigrationException">There is no such file or folder, or it cannot be read.</exception>
    public static IReadOnlyList<CheckpointReport> Run(string path, bool isUndo, IWriteProgress? progress, CancellationToken cancellation)
    {
        if (Directory.Exists(path))
        {
            return [.. In(path, cancellation).Select(pair => Run(pair, isUndo, progress, cancellation))];
        }

        var named = InPlacePair.Of(path);
        if (!named.IsLeft)
        {
            // After a power cut the lock's file may be there though its run had come to its end.
            TargetLock.SweepLeftovers(named.Path);
        }

        return named.IsLeft ? [Run(named, isUndo, progress, cancellation)]
            : FileIdentity.Of(path) is not null ? [Whole(path, new Advice("nothing-to-recover", "nothing was left to recover")) with { Status = CheckpointStatus.Skipped }]
            : throw new MigrationException(FailureKind.Io, "there is no such file, and none was left under another name", path);
    }

    /// <summary>
    /// Recovers what is left of the path of a request, before anything else is done with it. What cannot be recovered is told where it is
    /// opened.
    /// </summary>
    /// <returns>What became of each, by its path.</returns>
    internal static IReadOnlyDictionary<string, Advice> Before(MigrationRequest request, CancellationToken cancellation)
    {
        var isFolder = Directory.Exists(request.Path);
        return !isFolder && !InPlacePair.Of(request.Path).IsLeft ? ReadOnlyDictionary<string, Advice>.Empty
            : Run(request.Path, isUndo: false, request.Progress, cancellation)
                .Where(report => report.Error is null)
                .ToDictionary(report => isFolder ? report.Path : request.Path, report => report.Advice[0], StringComparer.Ordinal);
    }

    /// <summary>What is left in and below a folder, without the locks of killed runs, which go. Linked folders are not entered.</summary>
    internal static IReadOnlyList<InPlacePair> In(string folder, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            TargetLock.SweepFolder(folder);
            return [.. InPlacePair.In(folder), .. Directory.EnumerateDirectories(folder, "*", Subfolders).Order(StringComparer.Ordinal).SelectMany(below => In(below, cancellation))];
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.OfReading(error, folder);
        }
    }

    private static CheckpointReport Run(InPlacePair pair, bool isUndo, IWriteProgress? progress, CancellationToken cancellation)
    {
        try
        {
            return Recover(pair, isUndo, progress, cancellation);
        }
        catch (MigrationException error)
        {
            return CheckpointReport.Of(pair.Path, error);
        }
    }

    private static CheckpointReport Recover(InPlacePair pair, bool isUndo, IWriteProgress? progress, CancellationToken cancellation)
    {
        IFileProgress? shown = null;
        try
        {
            using var change = InPlaceRewrite.Resume(pair, () => new StreamReorderEngine(), bytes => shown?.Advance(bytes / 2));
            if (change is null)
            {
                return Whole(pair.Path, new Advice("recovered-whole", "a run was interrupted before it changed a byte, or behind the last; the file is whole"));
            }

            shown = progress?.Begin(change.Pair.Path, change.StepBytes);
            var facts = InPlaceFacts.Read(change.Facts, pair.Journal);
            var state = change.State;
            if (isUndo && state is { IsFinished: true, Turn: null })
            {
                throw new MigrationException(FailureKind.Usage, "it is the new file already, and only its name is missing; recover it without --undo, and then take it back by the inverse command", change.Pair.Path);
            }

            if (state.IsFinished)
            {
                change.Commit();
            }
            else if (isUndo || state.Turn is not null)
            {
                InPlaceEnding.GoBack(change, facts, cancellation);
            }
            else
            {
                InPlaceEnding.GoForward(change, facts, shown, cancellation);
            }

            return isUndo || state.Turn is not null ? Whole(change.Pair.Path, new Advice("recovered-old", "what an interrupted run had changed is taken back: this is the old file"))
                : Finished(change.Pair.Path, facts);
        }
        finally
        {
            shown?.Dispose();
        }
    }

    private static CheckpointReport Finished(string path, InPlaceFacts facts) =>
        Whole(path, new Advice("recovered-new", $"the {facts.Conversion.Name} that was interrupted is finished: this is the new file")) with { Geometry = facts.Geometry.ToGeometry() };

    private static CheckpointReport Whole(string path, Advice advice) => new()
    {
        Path = path,
        Status = CheckpointStatus.Recovered,
        SourceBytes = FileIdentity.Of(path)?.Size ?? 0,
        Advice = [advice],
    };
}
