using System.Globalization;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Configuration;
using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>Identifies a source file without reading all of it, so that a later run can tell whether it is the same.</summary>
/// <param name="Path">Its path in the unit's directory, or that of a LoRA's base.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Modified">When it was written last, UTC, to 100 ns.</param>
/// <param name="Header">For a checkpoint, the digest of its ends, <see cref="FileDigest.Ends"/>.</param>
internal sealed record SourceStamp(string Path, long Bytes, string Modified, string? Header)
{
    /// <summary>The stamps of a unit's files, checkpoints first, and of the bases of LoRAs that are merged.</summary>
    /// <exception cref="MigrationException">A file cannot be read.</exception>
    public static IReadOnlyList<SourceStamp> Of(CheckpointUnit unit, MigrationRequest request, CancellationToken cancellation) =>
    [
        .. unit.Checkpoints.Select(file => Of(unit.Root, file, FileDigest.Ends(System.IO.Path.Combine(unit.Root, file), cancellation))),
        .. unit.OtherFiles.Order(StringComparer.Ordinal).Select(file => Of(unit.Root, file, null)),
        .. Bases(unit, request).Select(file => Of(unit.Root, file, FileDigest.Ends(file, cancellation))),
    ];

    /// <summary>Whether its values are such as a run writes: whatever the types allow is read, from whoever wrote it.</summary>
    public bool IsSound() => (RecordedPath.IsBelow(Path) || System.IO.Path.IsPathRooted(Path)) && Bytes >= 0;

    /// <summary>Stamps in the order of <see cref="Of(CheckpointUnit, MigrationRequest, CancellationToken)"/>.</summary>
    public static IReadOnlyList<SourceStamp> InOrder(IEnumerable<SourceStamp> stamps) =>
        [.. stamps.OrderBy(Rank).ThenBy(stamp => stamp.Path, StringComparer.Ordinal)];

    /// <summary>Checkpoints first, then what came along, then the bases of LoRAs.</summary>
    private static int Rank(SourceStamp stamp) =>
        stamp.Header is null ? 1
        : System.IO.Path.IsPathRooted(stamp.Path) ? 2
        : 0;

    private static IEnumerable<string> Bases(CheckpointUnit unit, MigrationRequest request) => !request.IsMerge ? [] : unit.Checkpoints
        .Select(file => LoraBase.TryFind(System.IO.Path.Combine(unit.Root, file), request.Lora.Base))
        .OfType<string>()
        .Select(System.IO.Path.GetFullPath)
        .Distinct()
        .Order(StringComparer.Ordinal);

    private static SourceStamp Of(string root, string file, string? header)
    {
        var path = System.IO.Path.Combine(root, file);
        return TryOf(path) is { } state
            ? new SourceStamp(file, state.Bytes, state.Modified, header)
            : throw new MigrationException(FailureKind.Io, "the file is not there, or is a link to one that is not", path);
    }

    /// <summary>Whether the file in <paramref name="root"/> has size and time of change as they were; its content is not read.</summary>
    public bool LooksSameIn(string root) => TryOf(System.IO.Path.Combine(root, Path)) == (Bytes, Modified);

    /// <summary>
    /// Whether the checkpoint in <paramref name="root"/> has the size and the ends that it had. A zip's end has a checksum of
    /// each of its entries. Files of other formats can differ in the middle alone, as two LoRA merged into one base do: their
    /// time must be the same too.
    /// </summary>
    public bool HasSameEndsIn(string root, CancellationToken cancellation)
    {
        var path = System.IO.Path.Combine(root, Path);
        return FileIdentity.Of(path) is { Special: null } file
            && file.Size == Bytes
            && FileDigest.Ends(path, cancellation) == Header
            && (IsZip(path) || ModifiedOf(path) == Modified);
    }

    private static bool IsZip(string path)
    {
        using var source = SourceFile.Open(path);
        return TorchZipCheckpoint.Matches(source);
    }

    /// <summary>When a file was written last, as it is written down; null where it is not there.</summary>
    public static string? ModifiedOf(string path) => TryOf(path)?.Modified;

    private static (long Bytes, string Modified)? TryOf(string path) => FileIdentity.Of(path) is { } file
        ? (file.Size, File.GetLastWriteTimeUtc(path).ToString("O", CultureInfo.InvariantCulture))
        : null;
}
