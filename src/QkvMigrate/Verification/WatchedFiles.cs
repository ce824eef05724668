using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>
/// Files and directories that a verification looks at, as they were before. A verdict on files that somebody writes meanwhile is
/// one on files that never were: it is taken back.
/// </summary>
/// <param name="barrier">Called with each list of paths when they are noted and nothing of them is read yet; or null.</param>
internal sealed class WatchedFiles(Action<IReadOnlyList<string>>? barrier)
{
    private readonly Dictionary<string, FileIdentity?> noted = new(StringComparer.Ordinal);

    /// <summary>Notes what stands under each path now; one that is noted already stays as it was.</summary>
    public void Note(IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            noted.TryAdd(path, FileIdentity.Of(path));
        }

        barrier?.Invoke(paths);
    }

    /// <summary>What changed since it was noted, in no order.</summary>
    public IReadOnlyList<MigrationException> Changes() =>
        [.. noted.Select(note => (Path: note.Key, Problem: Change(note.Value, FileIdentity.Of(note.Key))))
            .Where(change => change.Problem is not null)
            .Select(change => new MigrationException(
                FailureKind.Io,
                $"{change.Problem} while it was verified, so nothing is proven; verify again when nobody writes there",
                change.Path))];

    /// <summary>The reports of a work on noted files, with a refusal instead of each whose file changed, and one more where another file did.</summary>
    /// <param name="reports">The reports.</param>
    /// <param name="refuse">Makes the report of a failure that is no single checkpoint's.</param>
    public List<VerificationReport> Hold(IReadOnlyList<VerificationReport> reports, Func<MigrationException, VerificationReport> refuse)
    {
        // Who puts a file into a directory changes both, and one line is enough.
        var told = reports.Select(report => report.Error?.File).OfType<string>().ToList();
        var changes = Changes().Where(change => !told.Exists(file => file == change.File || Path.GetDirectoryName(file) == change.File)).ToList();
        var held = reports.Select(report => report.Error is null
            && changes.Find(change => change.File == report.Original || change.File == report.Upgraded) is { } change
                ? new VerificationReport { Original = report.Original, Upgraded = report.Upgraded, Mode = report.Mode, Error = change }
                : report).ToList();
        if (changes.Find(change => held.TrueForAll(report => report.Error != change)) is { } other)
        {
            held.Add(refuse(other));
        }

        return held;
    }

    private static string? Change(FileIdentity? before, FileIdentity? now) => (before, now) switch
    {
        (null, null) => null,
        (null, _) => "it came",
        (_, null) => "it was removed",
        ({ } old, { } found) when !found.IsSameFile(old) => "something else was put in its place",
        ({ } old, { } found) when found.IsUnchanged(old) => null,
        ({ IsDirectory: true }, _) => "files came or went in it",
        ({ } old, { } found) => $"it was changed ({old.Size} bytes before, {found.Size} after)",
    };
}
