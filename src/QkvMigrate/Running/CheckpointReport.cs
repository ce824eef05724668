using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Layouts;
using QkvMigrate.Pickling.Policy;
using QkvMigrate.Planning;
using QkvMigrate.Running.Exports;

namespace QkvMigrate.Running;

/// <summary>How a checkpoint's turn ended; in JSON the names stand in lower case.</summary>
public enum CheckpointStatus
{
    /// <summary>Rewritten to the sequential layout.</summary>
    Upgraded,

    /// <summary>Rewritten to the interleaved layout.</summary>
    Downgraded,

    /// <summary>Written as a model of Hugging Face's.</summary>
    Exported,

    /// <summary>Would be rewritten: a dry run, or a check.</summary>
    Planned,

    /// <summary>Nothing to do.</summary>
    Unchanged,

    /// <summary>
    /// Not worked on: another checkpoint of its directory was refused, or an earlier run of the batch has finished it.
    /// The advice says which.
    /// </summary>
    Skipped,

    /// <summary>Not worked on, for a reason that lies in the checkpoint or the request.</summary>
    Refused,

    /// <summary>Begun, and ended by the system: a full disk and the like.</summary>
    Failed,

    /// <summary>Found by a batch, and not begun or not finished by any of its runs.</summary>
    Pending,

    /// <summary>An interrupted change in place left it under another name, and it is whole again; the advice says whether it is the new file or the old one.</summary>
    Recovered,
}

/// <summary>What was done with one checkpoint file, and why.</summary>
public sealed record CheckpointReport
{
    /// <summary>The file, as the user named it or as it was found.</summary>
    public required string Path { get; init; }

    /// <summary>How it ended.</summary>
    public required CheckpointStatus Status { get; init; }

    /// <summary>The file that was or would be written, or null.</summary>
    public string? Output { get; init; }

    /// <summary>The file's format, or null where it could not be opened.</summary>
    public CheckpointFormat? Format { get; init; }

    /// <summary>The layout that was found, or null where the file could not be understood.</summary>
    public LayoutFamily? Layout { get; init; }

    /// <summary>The geometry, where one was needed.</summary>
    public AttentionGeometry? Geometry { get; init; }

    /// <summary>Where the geometry came from.</summary>
    public string? GeometrySource { get; init; }

    /// <summary>The plan, where one was made.</summary>
    public MigrationPlan? Plan { get; init; }

    /// <summary>The plan in numbers, where one was made; it stays where the plan is not kept.</summary>
    public PlanCounts? Changes { get; init; }

    /// <summary>What an export makes of it, where one was asked for.</summary>
    public ExportSummary? Export { get; init; }

    /// <summary>All tensors of the file.</summary>
    public int TensorCount { get; init; }

    /// <summary>The element types of its tensors, the one of most bytes first, where the file was inspected.</summary>
    public IReadOnlyList<DTypeShare> DTypes { get; init; } = [];

    /// <summary>The storages that nothing in the file names.</summary>
    public UnreferencedRecords Unreferenced { get; init; } = UnreferencedRecords.None;

    /// <summary>Bytes of the source.</summary>
    public long SourceBytes { get; init; }

    /// <summary>Bytes of the new file, where a batch has written them down.</summary>
    public long? OutputBytes { get; init; }

    /// <summary>The SHA-256 of the source as 64 hexadecimal digits, where a verification read every byte of the new file.</summary>
    public string? SourceSha256 { get; init; }

    /// <summary>The SHA-256 of the new file as 64 hexadecimal digits, where a batch has written it down, or a verification read every byte.</summary>
    public string? OutputSha256 { get; init; }

    /// <summary>The changes to the configuration beside it, a line each.</summary>
    public IReadOnlyList<string> ConfigurationChanges { get; init; } = [];

    /// <summary>What its pickles name outside of themselves.</summary>
    public IReadOnlyList<GlobalUse> Globals { get; init; } = [];

    /// <summary>What the weights say about the geometry, where they were asked.</summary>
    public GeometryEvidence? Evidence { get; init; }

    /// <summary>What the user should know.</summary>
    public IReadOnlyList<Advice> Advice { get; init; } = [];

    /// <summary>Wall time from opening to the last sync.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Why it was refused or failed.</summary>
    public MigrationException? Error { get; init; }

    /// <summary>The report of a path that could not be read.</summary>
    public static CheckpointReport Of(string path, MigrationException error) =>
        new() { Path = path, Status = StatusOf(error), Error = error };

    /// <summary>How a checkpoint ended that met <paramref name="error"/>.</summary>
    internal static CheckpointStatus StatusOf(MigrationException error) =>
        error.Kind is FailureKind.Io or FailureKind.Cancelled ? CheckpointStatus.Failed : CheckpointStatus.Refused;
}
