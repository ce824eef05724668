using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;

namespace QkvMigrate.Running.Batches;

/// <summary>What last became of a unit, written down for <see cref="BatchReport"/>.</summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Path">The unit's path below the tree.</param>
/// <param name="Checkpoints">A report for each of its checkpoints.</param>
internal sealed record UnitReportRecord(int SchemaVersion, string Path, IReadOnlyList<CheckpointRecord> Checkpoints) : IUnitDocument
{
    /// <summary>The record of <paramref name="reports"/>.</summary>
    public static UnitReportRecord Of(string path, IReadOnlyList<CheckpointReport> reports) =>
        new(RecordDocument.SchemaVersion, path, [.. reports.Select(CheckpointRecord.Of)]);

    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsBelow(Path) ? "no path below the tree"
        : Checkpoints.Select(checkpoint => checkpoint is null ? "no checkpoint where one is expected" : checkpoint.Problem()).FirstOrDefault(problem => problem is not null);
}

/// <summary>A <see cref="CheckpointReport"/> without its plan.</summary>
internal sealed record CheckpointRecord(
    string Path,
    CheckpointStatus Status,
    string? Output,
    CheckpointFormat? Format,
    LayoutFamily? Layout,
    GeometryRecord? Geometry,
    string? GeometrySource,
    PlanCounts? Changes,
    int TensorCount,
    long SourceBytes,
    long? OutputBytes,
    string? OutputSha256,
    IReadOnlyList<string> Configuration,
    IReadOnlyList<Advice> Advice,
    double Seconds,
    ErrorRecord? Error,
    string? Modified = null)
{
    /// <summary>A century.</summary>
    private const double MaximumSeconds = 3.2e9;

    /// <summary>The record of <paramref name="report"/>.</summary>
    public static CheckpointRecord Of(CheckpointReport report) => new(
        report.Path,
        report.Status,
        report.Output,
        report.Format,
        report.Layout,
        report.Geometry is { } geometry ? new GeometryRecord(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize) : null,
        report.GeometrySource,
        report.Changes,
        report.TensorCount,
        report.SourceBytes,
        report.OutputBytes,
        report.OutputSha256,
        report.ConfigurationChanges,
        report.Advice,
        report.Elapsed.TotalSeconds,
        report.Error is { } error ? new ErrorRecord(error.Kind, error.Problem, error.File, error.Where, error.Offset) : null,
        report.Status == CheckpointStatus.Unchanged ? SourceStamp.ModifiedOf(report.Path) : null);

    /// <summary>Says what it holds that no report does, or null.</summary>
    public string? Problem() =>
        !RecordedPath.IsOne(Path) ? "a checkpoint without a path"
        : SourceBytes < 0 || OutputBytes < 0 || TensorCount < 0 ? "fewer bytes or tensors than none"
        : OutputSha256 is not null && !FileDigest.IsOne(OutputSha256) ? "a SHA-256 that is none"
        : Geometry is { } geometry && new AttentionGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize).Problem() is { } problem ? problem
        : Configuration.Any(line => line is null) || Advice.Any(advice => advice is null) ? "null where a line is expected"
        : !(Seconds >= 0 && Seconds < MaximumSeconds) ? "a time that no run takes"
        : null;

    /// <summary>The report again.</summary>
    public CheckpointReport ToReport() => new()
    {
        Path = Path,
        Status = Status,
        Output = Output,
        Format = Format,
        Layout = Layout,
        Geometry = Geometry is { } geometry ? new AttentionGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize) : null,
        GeometrySource = GeometrySource,
        Changes = Changes,
        TensorCount = TensorCount,
        SourceBytes = SourceBytes,
        OutputBytes = OutputBytes,
        OutputSha256 = OutputSha256,
        ConfigurationChanges = Configuration,
        Advice = Advice,
        // FromSeconds cuts off what a double is short of the last tick.
        Elapsed = TimeSpan.FromTicks((long)Math.Round(Seconds * TimeSpan.TicksPerSecond)),
        Error = Error is { } error ? new MigrationException(error.Kind, error.Problem, error.File, error.Where, error.Offset) : null,
    };
}

/// <summary>An <see cref="AttentionGeometry"/> as it is written down.</summary>
internal sealed record GeometryRecord(int HeadCount, int QueryGroupCount, int HeadSize);

/// <summary>A <see cref="MigrationException"/> as it is written down.</summary>
internal sealed record ErrorRecord(FailureKind Kind, string Problem, string? File, string? Where, long? Offset);
