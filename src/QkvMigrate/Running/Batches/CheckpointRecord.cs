using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;

namespace QkvMigrate.Running.Batches;

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
    string? Modified = null,
    string? SourceSha256 = null)
{
    /// <summary>A hundred years: no run takes as long.</summary>
    private const double MaximumSeconds = 3.2e9;

    /// <summary>The record of <paramref name="report"/>.</summary>
    public static CheckpointRecord Of(CheckpointReport report) => new(
        report.Path,
        report.Status,
        report.Output,
        report.Format,
        report.Layout,
        report.Geometry is { } geometry ? GeometryRecord.Of(geometry) : null,
        report.GeometrySource,
        report.Changes,
        report.TensorCount,
        report.SourceBytes,
        report.OutputBytes,
        report.OutputSha256,
        report.ConfigurationChanges,
        report.Advice,
        report.Elapsed.TotalSeconds,
        report.Error is { } error ? ErrorRecord.Of(error) : null,
        report.Status == CheckpointStatus.Unchanged ? SourceStamp.ModifiedOf(report.Path) : null,
        report.SourceSha256);

    /// <summary>Says what it holds that no report does, or null.</summary>
    public string? Problem() =>
        !RecordedPath.IsOne(Path) ? "a checkpoint without a path"
        : SourceBytes < 0 || OutputBytes < 0 || TensorCount < 0 ? "a negative count of bytes or tensors"
        : new[] { SourceSha256, OutputSha256 }.Any(digest => digest is not null && !FileDigest.IsOne(digest)) ? "no SHA-256 where one is expected"
        : Geometry?.ToGeometry().Problem() is { } problem ? problem
        : Configuration.Any(line => line is null) || Advice.Any(advice => advice is null) ? "null where a line is expected"
        : !(Seconds >= 0 && Seconds < MaximumSeconds) ? "a time that no run takes"
        : null;

    /// <summary>The stamp of the checkpoint as it was when there was nothing to do; null where something was.</summary>
    /// <param name="name">The checkpoint's name in the unit's directory.</param>
    public SourceStamp? Stamp(string name) => Modified is null ? null : new SourceStamp(name, SourceBytes, Modified, Header: null);

    /// <summary>The report again.</summary>
    public CheckpointReport ToReport() => new()
    {
        Path = Path,
        Status = Status,
        Output = Output,
        Format = Format,
        Layout = Layout,
        Geometry = Geometry?.ToGeometry(),
        GeometrySource = GeometrySource,
        Changes = Changes,
        TensorCount = TensorCount,
        SourceBytes = SourceBytes,
        OutputBytes = OutputBytes,
        SourceSha256 = SourceSha256,
        OutputSha256 = OutputSha256,
        ConfigurationChanges = Configuration,
        Advice = Advice,
        // FromSeconds cuts off what a double is short of the last tick.
        Elapsed = TimeSpan.FromTicks((long)Math.Round(Seconds * TimeSpan.TicksPerSecond)),
        Error = Error?.ToException(),
    };
}
