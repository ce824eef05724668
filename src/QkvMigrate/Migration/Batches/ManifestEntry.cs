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
    IReadOnlyList<ResultFile> Result) : IRecordDocument;

/// <summary>One file of a result.</summary>
/// <param name="Path">Its path in the unit's directory.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The digest of its content, read back from what was written.</param>
internal sealed record ResultFile(string Path, long Bytes, string Sha256);
