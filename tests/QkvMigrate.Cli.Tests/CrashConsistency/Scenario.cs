using QkvMigrate.Exporting;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Trees;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>A run that a power cut ends: what there is before it, and what is asked of the program.</summary>
/// <param name="Name">What a test calls it.</param>
/// <param name="Make">Makes the files in a folder.</param>
/// <param name="Source">The path that is worked on, relative to that folder.</param>
internal sealed record Scenario(string Name, Action<string> Make, string Source)
{
    /// <summary>Where the result goes, relative to the folder; null in place.</summary>
    public string? Output { get; init; }

    /// <summary>Whether the output is a new folder, which has its name only when all of it is there.</summary>
    public bool IsWhole { get; init; }

    /// <summary>The suffix of backups, or null.</summary>
    public string? BackupSuffix { get; init; }

    /// <summary>Units at a time.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>The part of the work, as the command line has it, or null.</summary>
    public string? Part { get; init; }

    /// <summary>Whether the file is changed in its place, with a journal, and recovered after a power cut.</summary>
    public bool IsJournaled { get; init; }

    /// <summary>Whether bytes are written in several steps at once, so that the order of the syncs is not always the same.</summary>
    public bool IsInSteps { get; init; }

    /// <summary>Whether there are so many checkpoints that they are synced together, in no order of their own.</summary>
    public bool IsTogether { get; init; }

    /// <summary>Whether the run is itself a recovery.</summary>
    public bool IsRecovery { get; init; }

    /// <summary>Whether that takes back what was changed.</summary>
    public bool IsUndo { get; init; }

    /// <summary>Whether the model is exported.</summary>
    public bool IsExport { get; init; }

    public override string ToString() => Name;

    /// <summary>The command line.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="force">Whether an existing output is replaced.</param>
    public IReadOnlyList<string> Arguments(string root, bool force) => IsRecovery ? RecoveryArguments(root) :
    [
        IsExport ? "export" : "upgrade",
        Path.Combine(root, Source),
        .. Output is null ? ["--in-place"] : new[] { "-o", Path.Combine(root, Output) },
        .. IsJournaled ? ["--journal"] : Array.Empty<string>(),
        .. BackupSuffix is null ? [] : new[] { "--backup", BackupSuffix },
        .. Jobs == 1 ? [] : new[] { "--jobs", $"{Jobs}" },
        .. Part is null ? [] : new[] { "--shard", Part },
        .. IsExport ? [] : (string[])["--engine", "stream", .. SmallCheckpoint.Arguments],
        .. force ? new[] { "--force" } : [],
        "--quiet",
    ];

    /// <summary>The command line that recovers what was left.</summary>
    public IReadOnlyList<string> RecoveryArguments(string root) =>
        ["recover", Path.Combine(root, Source), .. IsUndo ? ["--undo"] : Array.Empty<string>(), "--quiet"];

    /// <summary>The same, within this process. Returns what went wrong.</summary>
    public string? Recover(string root) => Failure(Recovery.Run(Path.Combine(root, Source), isUndo: false, null, CancellationToken.None));

    /// <summary>The run, within this process. Returns what went wrong.</summary>
    public string? Run(string root, bool force)
    {
        var request = new MigrationRequest
        {
            Path = Path.Combine(root, Source),
            Direction = MigrationDirection.Upgrade,
            Geometry = IsExport ? new GeometryFlags() : SmallCheckpoint.Geometry,
            Output = Output is null ? null : Path.Combine(root, Output),
            InPlace = Output is null,
            Journal = IsJournaled,
            BackupSuffix = BackupSuffix,
            Export = IsExport ? new ExportOptions() : null,
            Force = force,
            Engine = () => new StreamReorderEngine(),
        };
        var options = new BatchOptions { Jobs = Jobs, Part = Part is not null && WorkPart.TryParse(Part, out var part) ? part : null };
        return Failure(Migrator.Run([request], options, CancellationToken.None));
    }

    private static string? Failure(IEnumerable<CheckpointReport> reports) =>
        reports.FirstOrDefault(report => report.Error is not null) is { } failed ? $"{failed.Path}: {failed.Error!.Message}" : null;
}
