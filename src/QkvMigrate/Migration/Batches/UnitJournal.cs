using QkvMigrate.Checkpoints;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration.Batches;

/// <summary>
/// Keeps the manifest's entry of one unit true while the unit is written: <c>Writing</c> is on the disk before the first
/// byte, <c>Finished</c> after the last. Whenever a run is killed, the entry says whether the output is whole, and that
/// what stands there is this tool's.
/// </summary>
internal sealed class UnitJournal
{
    private readonly OutputRecord record;
    private readonly CheckpointUnit unit;
    private readonly string output;
    private readonly MigrationRequest request;
    private readonly ManifestEntry? before;
    private readonly ManifestEntry writing;
    private IReadOnlyList<ResultFile> result = [];
    private bool hasBegun;

    private UnitJournal(OutputRecord record, CheckpointUnit unit, string output, MigrationRequest request, ManifestEntry? before, ManifestEntry writing)
    {
        this.record = record;
        this.unit = unit;
        this.output = output;
        this.request = request;
        this.before = before;
        this.writing = writing;
    }

    /// <summary>Reads what is known of <paramref name="unit"/>, and what it is now.</summary>
    /// <exception cref="MigrationException">A file cannot be read.</exception>
    public static UnitJournal Open(OutputRecord record, CheckpointUnit unit, string output, MigrationRequest request, CancellationToken cancellation) => new(
        record,
        unit,
        output,
        request,
        record.ReadEntry(unit.RelativePath),
        new ManifestEntry(
            RecordDocument.SchemaVersion,
            unit.RelativePath,
            ManifestState.Writing,
            ResultOptions.Of(request, cancellation),
            SourceStamp.Of(unit, request, cancellation),
            []));

    /// <summary>Whether an earlier run has begun to write the unit: then what is in its output is this tool's.</summary>
    public bool IsOwnOutput => before is not null;

    /// <summary>Whether the unit's directory has to be there from the start, because other units are written below it.</summary>
    public bool NeedsFolder => unit.HasUnitsBelow;

    /// <summary>Whether the result is there, made from the same source with the same options.</summary>
    public bool IsFinished() =>
        before is { State: ManifestState.Finished }
        && before.Source.SequenceEqual(writing.Source)
        && before.Options.Satisfies(writing.Options)
        && before.Result.All(file => FileIdentity.Of(Path.Combine(output, file.Path))?.Size == file.Bytes);

    /// <summary>Refuses to replace a result that somebody has worked on since it was made. Reads it.</summary>
    /// <exception cref="MigrationException">The output is not what was written.</exception>
    public void CheckOutputIsAsWritten(CancellationToken cancellation)
    {
        foreach (var file in before is { State: ManifestState.Finished } finished ? finished.Result : [])
        {
            var path = Path.Combine(output, file.Path);
            if (File.Exists(path) && FileDigest.Whole(path, cancellation) != file.Sha256)
            {
                throw new MigrationException(FailureKind.Target, "this is to be made again, but was changed since it was made; --force replaces it", path);
            }
        }
    }

    /// <summary>The writing begins.</summary>
    public void Begin()
    {
        hasBegun = true;
        record.WriteEntry(writing);
    }

    /// <summary>
    /// Takes the digests of what was written, by reading it back: the copies are made inside the kernel and by several
    /// threads, so nobody has seen the bytes pass, and what is read back is what the file really holds.
    /// </summary>
    /// <param name="folder">Where the files are until they get their name.</param>
    /// <param name="files">The files, relative to it.</param>
    /// <param name="cancellation">Ends the work.</param>
    public void Digest(string folder, IEnumerable<string> files, CancellationToken cancellation) =>
        result =
        [
            .. files.Order(StringComparer.Ordinal).Select(file =>
            {
                var path = Path.Combine(folder, file);
                return new ResultFile(file, new FileInfo(path).Length, FileDigest.Whole(path, cancellation));
            }),
        ];

    /// <summary>All of the result is on the disk under its name.</summary>
    public void Finish()
    {
        hasBegun = false;
        record.WriteEntry(writing with { State = ManifestState.Finished, Result = result });
    }

    /// <summary>The unit's turn is over. Where it was begun in vain and left nothing behind, neither does its entry stay.</summary>
    public void End()
    {
        if (hasBegun && before is null && !Directory.Exists(output))
        {
            record.RemoveEntry(unit.RelativePath);
        }
    }

    /// <summary>The reports of a unit that is finished.</summary>
    public IReadOnlyList<CheckpointReport> Finished() =>
        [.. unit.Checkpoints.Select(name => WithDigest(new CheckpointReport
        {
            Path = Path.Combine(unit.Root, name),
            Status = CheckpointStatus.Skipped,
            Output = Path.Combine(output, request.ResultName(name)),
            SourceBytes = writing.Source.First(stamp => stamp.Path == name).Bytes,
            Advice = [new Advice("finished-before", "an earlier run made this from the same source with the same options; --force does it again")],
        }, before!.Result))];

    /// <summary>A report with the digest of what was written.</summary>
    public CheckpointReport WithDigest(CheckpointReport report) => WithDigest(report, result);

    private static CheckpointReport WithDigest(CheckpointReport report, IReadOnlyList<ResultFile> files) =>
        report.Output is { } path && files.FirstOrDefault(file => file.Path == Path.GetFileName(path)) is { } written
            ? report with { OutputSha256 = written.Sha256, OutputBytes = written.Bytes }
            : report;
}
