using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Originals;

/// <summary>
/// Proves a checkpoint from the SHA-256 of what it was made from: the inverse of what was done to that is planned, and carried out
/// into a hash. Nothing is written. The hash is the proof, so planner and executor need not be trusted here.
/// </summary>
/// <param name="request">What the user asks.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class CheckpointOriginal(OriginalRequest request, CancellationToken cancellation)
{
    /// <summary>
    /// What is said of every file whose original could not be made again: what an upgrade tells its user of, and the file does not
    /// show.
    /// </summary>
    private const string OneWay =
        "an upgrade that split storages, left out optimizers or unreferenced storages, or merged or expanded a LoRA cannot be undone byte for byte, "
        + "and such a file is proven beside its original alone";

    /// <summary>Proves a file. What is wrong with it is in the report.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">The SHA-256 of what it was made from, in lower case; null where none is known, and only what was done is told.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several.</param>
    public OriginalReport Prove(string path, string? expected, IReadOnlyList<TensorEntry> otherShards)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            return ProveOpened(path, expected, otherShards) with { ExpectedSha256 = expected, Elapsed = watch.Elapsed };
        }
        catch (MigrationException error)
        {
            return new OriginalReport { Path = path, ExpectedSha256 = expected, Error = error.InFile(path), Elapsed = watch.Elapsed };
        }
    }

    private OriginalReport ProveOpened(string path, string? expected, IReadOnlyList<TensorEntry> otherShards)
    {
        LayoutFamily? unmade = null;
        foreach (var made in request.Conversions)
        {
            using var stage = new CheckpointPlanning(MigrationRequest.ToUndo(made, path, request.Geometry)).Plan(new NamedCheckpoint(path, otherShards));
            switch (stage)
            {
                case PlannedCheckpoint { Plan.Rewrite: { } rewrite } planned:
                    return expected is null ? new OriginalReport { Path = path, Made = made } : Undone(planned, rewrite, made, expected);
                case PlannedCheckpoint planned:
                    unmade = planned.Plan.Layout == made.From ? made.From : unmade;
                    break;
                case RefusedCheckpoint refused:
                    throw refused.Error;
            }
        }

        if (expected is null)
        {
            return new OriginalReport { Path = path };
        }

        var report = PlainOriginal.Compare(path, expected, cancellation);
        return request.Conversions is [var told] && unmade == told.From
            ? report with { Problem = $"it is of the layout that {told.Name} changes ({told.From.Module}), so it is not what {told.Name} makes" }
            : report;
    }

    /// <summary>A file that was changed, or that could have been.</summary>
    private OriginalReport Undone(PlannedCheckpoint planned, PlannedRewrite rewrite, Conversion made, string expected)
    {
        var plan = planned.Plan;
        var report = new OriginalReport
        {
            Path = planned.Path,
            Sha256 = FilePlanDigest.Of(rewrite.Output, cancellation),
            HashedBytes = rewrite.Output.Length,
            Made = made,
            Geometry = rewrite.Geometry.Geometry,
            TensorCount = planned.Opened.Checkpoint.Tensors.Count,
            RenamedNames = plan.Moves.Select(move => move.Rename).OfType<NameChange>().Concat(plan.NameChanges).DistinctBy(change => change.Name.Id).Count(),
            MovedTensors = plan.Moves.Count(move => move.Blocks.Count > 0),
        };
        if (report.Sha256 == expected)
        {
            return WayBack.Problem(planned) is { } problem
                ? report with { Problem = $"undoing {made.Name} gives the original, but {made.Name} makes another file of that: {problem}" }
                : report;
        }

        var own = PlainOriginal.Compare(planned.Path, expected, cancellation);
        return own.Problem is not null
            ? report with { Problem = $"undoing {made.Name} gives a file of SHA-256 {report.Sha256}, expected {expected}; {OneWay}" }
            : made.IsUpgrade || request.Conversions.Count == 1
                ? own with { TensorCount = report.TensorCount }
                : own with { Problem = $"these are the original's own bytes, which are still of the layout that upgrade changes ({made.To.Module})" };
    }
}
