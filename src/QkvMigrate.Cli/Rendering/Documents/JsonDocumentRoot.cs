namespace QkvMigrate.Cli.Rendering.Documents;

/// <summary>The document.</summary>
internal sealed record JsonDocumentRoot(int SchemaVersion, IReadOnlyList<JsonCheckpoint> Checkpoints);

/// <summary>One checkpoint file.</summary>
internal sealed record JsonCheckpoint(
    string Path,
    string? Output,
    string? Format,
    string Status,
    string? Layout,
    JsonGeometry? Geometry,
    JsonTensors Tensors,
    JsonBytes Bytes,
    string? Sha256,
    string? SourceSha256,
    double Seconds,
    IReadOnlyList<string> Configuration,
    IReadOnlyList<JsonMessage> Advice,
    JsonRecords? Unreferenced,
    IReadOnlyList<JsonGlobal>? Globals,
    JsonEvidence? Evidence,
    JsonPlan? Plan,
    JsonExport? Export,
    JsonMessage? Error);

/// <summary>The geometry and where it came from.</summary>
internal sealed record JsonGeometry(int NHead, int NQueryGroups, int HeadSize, string Source);

/// <summary>
/// How many tensors there are, how many of them have rows that move, how many change at all (<c>renamed</c> in version 1 of the
/// form), and how many are left alone.
/// </summary>
internal sealed record JsonTensors(int Total, int Reordered, int Renamed, int Untouched);

/// <summary>Bytes of the source and the output, and of what is reordered and copied.</summary>
internal sealed record JsonBytes(long Source, long? Output, long Reordered, long Copied);

/// <summary>Storages that nothing in the file names, and their bytes.</summary>
internal sealed record JsonRecords(int Records, long Bytes);

/// <summary>A code and a sentence.</summary>
internal sealed record JsonMessage(string Code, string Message);

/// <summary>A global that a pickle names, with its first place.</summary>
internal sealed record JsonGlobal(string Name, string Safety, string Where, long Offset, string? Why);
