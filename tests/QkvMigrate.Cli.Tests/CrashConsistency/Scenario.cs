using QkvMigrate.Exporting;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
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

    /// <summary>Whether the model is exported.</summary>
    public bool IsExport { get; init; }

    /// <summary>Whether results of an earlier run are there, and may be replaced.</summary>
    public bool IsForced { get; init; }

    public override string ToString() => Name;

    /// <summary>The command line.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="force">Whether an existing output is replaced.</param>
    public IReadOnlyList<string> Arguments(string root, bool force) =>
    [
        IsExport ? "export" : "upgrade",
        Path.Combine(root, Source),
        .. Output is null ? ["--in-place"] : new[] { "-o", Path.Combine(root, Output) },
        .. BackupSuffix is null ? [] : new[] { "--backup", BackupSuffix },
        .. Jobs == 1 ? [] : new[] { "--jobs", $"{Jobs}" },
        .. Part is null ? [] : new[] { "--shard", Part },
        .. IsExport ? [] : (string[])["--engine", "stream", .. SmallCheckpoint.Arguments],
        .. force ? new[] { "--force" } : [],
        "--quiet",
    ];

    /// <summary>The same, within this process. Returns what went wrong.</summary>
    public string? Run(string root, bool force)
    {
        var request = new MigrationRequest
        {
            Path = Path.Combine(root, Source),
            Direction = MigrationDirection.Upgrade,
            Geometry = IsExport ? new GeometryFlags() : SmallCheckpoint.Geometry,
            Output = Output is null ? null : Path.Combine(root, Output),
            InPlace = Output is null,
            BackupSuffix = BackupSuffix,
            Export = IsExport ? new ExportOptions() : null,
            Force = force,
            Engine = () => new StreamReorderEngine(),
        };
        var options = new BatchOptions { Jobs = Jobs, Part = Part is not null && WorkPart.TryParse(Part, out var part) ? part : null };
        var failed = Migrator.Run([request], options, CancellationToken.None).FirstOrDefault(report => report.Error is not null);
        return failed is null ? null : $"{failed.Path}: {failed.Error!.Message}";
    }
}
