using QkvMigrate.Migration.Lora;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration.Batches;

/// <summary>How far the writing of a unit has come.</summary>
internal enum ManifestState
{
    /// <summary>Begun: what is in the output is this tool's, may be half of it, and is to be done again.</summary>
    Writing,

    /// <summary>The result is on the disk under its name.</summary>
    Finished,
}

/// <summary>
/// What a unit was made from, how, and what came out. Nothing in it depends on when or in which order units were
/// written: whatever happened on the way, the same sources and options give the same entries.
/// </summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Path">The unit's path below the tree; empty for the tree's own directory.</param>
/// <param name="State">How far it has come.</param>
/// <param name="Options">What else decided the result.</param>
/// <param name="Source">The files that it was made from, checkpoints first.</param>
/// <param name="Result">The files that were made, in the order of their paths; none before the end.</param>
internal sealed record ManifestEntry(
    int SchemaVersion,
    string Path,
    ManifestState State,
    ResultOptions Options,
    IReadOnlyList<SourceStamp> Source,
    IReadOnlyList<ResultFile> Result) : IRecordDocument
{
    /// <summary>The checkpoints that it was made from; the bases of LoRAs, which are named by whole paths, are none of them.</summary>
    public IEnumerable<SourceStamp> Checkpoints() => Source.Where(stamp => stamp.Header is not null && !System.IO.Path.IsPathRooted(stamp.Path));

    /// <summary>The file that a checkpoint became, or null.</summary>
    public ResultFile? ResultOf(SourceStamp checkpoint)
    {
        var name = Options.Lora == LoraTreatment.Merge ? LoraBase.FileName : checkpoint.Path;
        return Result.FirstOrDefault(file => file.Path == name);
    }

    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsBelow(Path) ? "no path below the tree"
        : Source.Any(stamp => stamp is null || !(RecordedPath.IsBelow(stamp.Path) || System.IO.Path.IsPathRooted(stamp.Path)) || stamp.Bytes < 0) ? "a source without a path or of fewer bytes than none"
        : Result.Any(file => file is null || !RecordedPath.IsBelow(file.Path) || file.Bytes < 0 || !FileDigest.IsOne(file.Sha256)) ? "a result without a path, of fewer bytes than none, or without a SHA-256"
        : Result.Select(file => file.Path).Distinct(StringComparer.Ordinal).Count() < Result.Count ? "a result that is named twice"
        : State == ManifestState.Finished && Checkpoints().Any(checkpoint => ResultOf(checkpoint) is null) ? "a finished checkpoint without a result"
        : null;
}

/// <summary>One file of a result.</summary>
/// <param name="Path">Its path in the unit's directory.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The digest of its content, read back from what was written.</param>
internal sealed record ResultFile(string Path, long Bytes, string Sha256);
