using QkvMigrate.Configuration;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Originals;

/// <summary>Proves the files of one directory with checkpoints: these themselves, what follows them, and what came along.</summary>
/// <param name="request">What the user asks.</param>
/// <param name="unit">The directory.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class UnitOriginals(OriginalRequest request, CheckpointUnit unit, CancellationToken cancellation)
{
    private readonly List<string> unlisted = [];

    /// <summary>The full paths of files for which there is no checksum, and which are no checkpoints; known once <see cref="Prove"/> has run.</summary>
    public IReadOnlyList<string> Unlisted => unlisted;

    /// <summary>A report for each checkpoint, and for each other file that has a checksum.</summary>
    public IReadOnlyList<OriginalReport> Prove()
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        var checkpoints = unit.Checkpoints.Select(name => unfit is null ? OfCheckpoint(name, shards) : Refused(name, unfit)).ToList();
        var made = checkpoints.Select(report => report.Made).OfType<Conversion>().Distinct().ToList();
        IReadOnlyDictionary<string, (Conversion Made, ReadOnlyMemory<byte>? Content)> undone;
        try
        {
            undone = made is [var one] ? Undone(one, shards) : new Dictionary<string, (Conversion, ReadOnlyMemory<byte>?)>();
        }
        catch (MigrationException error)
        {
            return [.. checkpoints, new OriginalReport { Path = unit.Root, Error = error.InFile(unit.Root) }];
        }

        var others = unit.OtherFiles.Concat(unit.Links.Where(link => link.Target is not null).Select(link => link.Path))
            .Order(StringComparer.Ordinal)
            .Select(name => OfOther(name, undone, checkpoints))
            .OfType<OriginalReport>();
        return [.. checkpoints, .. others];
    }

    private OriginalReport OfCheckpoint(string name, ShardSet shards)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = Path.Combine(unit.Root, name);
        var report = new CheckpointOriginal(request, cancellation).Prove(path, Expected(name), shards.Beside(name));
        return report.ExpectedSha256 is null ? report with { Problem = $"there is no checksum for it in {request.Checksums.File}" } : report;
    }

    private OriginalReport Refused(string name, MigrationException unfit) =>
        new() { Path = Path.Combine(unit.Root, name), ExpectedSha256 = Expected(name), Error = unfit };

    /// <summary>What the configuration and the indexes of shards were before; null for a file that was not there.</summary>
    private Dictionary<string, (Conversion Made, ReadOnlyMemory<byte>? Content)> Undone(Conversion made, ShardSet shards)
    {
        var configuration = made.IsUpgrade ? ConfigurationRewrite.PlanDowngrade(unit.Root) : ConfigurationRewrite.PlanUpgrade(unit.Root);
        return shards.AddTo(configuration, made.IsUpgrade ? Conversion.Downgrade : Conversion.Upgrade)
            .Files.ToDictionary(file => file.Name, file => (made, file.Content), StringComparer.Ordinal);
    }

    private OriginalReport? OfOther(string name, IReadOnlyDictionary<string, (Conversion Made, ReadOnlyMemory<byte>? Content)> undone, IReadOnlyList<OriginalReport> checkpoints)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = Path.Combine(unit.Root, name);
        var isUndone = undone.TryGetValue(name, out var before);
        if (Expected(name) is not { } expected)
        {
            if (!isUndone || before.Content is not null)
            {
                unlisted.Add(Path.GetFullPath(path));
            }

            return null;
        }

        if (isUndone)
        {
            return Compare(path, before.Made, before.Content, expected);
        }

        // A link to a checkpoint of the directory stands for that.
        return unit.Links.FirstOrDefault(link => link.Path == name)?.Target is { } target
            && checkpoints.FirstOrDefault(report => report.Path == Path.Combine(unit.Root, target)) is { Sha256: { } digest } original
            ? original with
            {
                Path = path,
                ExpectedSha256 = expected,
                Problem = digest == expected ? null : $"it leads to {target}, whose original has SHA-256 {digest}, expected {expected}",
            }
            : PlainOriginal.Prove(path, expected, cancellation);
    }

    private static OriginalReport Compare(string path, Conversion made, ReadOnlyMemory<byte>? content, string expected)
    {
        if (content is not { } bytes)
        {
            return new OriginalReport
            {
                Path = path,
                ExpectedSha256 = expected,
                Made = made,
                Problem = $"there is a checksum for it, and before {made.Name} there was no such file",
            };
        }

        var digest = FileDigest.Of(bytes.Span);
        return new OriginalReport
        {
            Path = path,
            ExpectedSha256 = expected,
            Sha256 = digest,
            HashedBytes = bytes.Length,
            Made = made,
            Problem = digest == expected ? null : $"undone, it has SHA-256 {digest}, expected {expected}",
        };
    }

    private string? Expected(string name) => request.Checksums.Find(Path.Combine(unit.RelativePath, name));
}
