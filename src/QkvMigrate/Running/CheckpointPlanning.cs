using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;
using QkvMigrate.Geometry;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Stages;

namespace QkvMigrate.Running;

/// <summary>Leads a checkpoint from its name to its plan: named, opened, scanned, planned, or refused at any of these.</summary>
/// <param name="request">What the user asks.</param>
internal sealed class CheckpointPlanning(MigrationRequest request)
{
    /// <summary>Plans a file: a <see cref="PlannedCheckpoint"/>, or a <see cref="RefusedCheckpoint"/> for what lies in the file or the request.</summary>
    /// <param name="path">The file.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several.</param>
    public CheckpointStage Plan(string path, IReadOnlyList<TensorEntry> otherShards)
    {
        // A base is no shard of the LoRA's directory.
        var stage = Plan(new NamedCheckpoint(path, request.IsMerge ? [] : otherShards));
        return stage is PlannedCheckpoint { Plan.HasWork: true } planned ? planned with { WayBackProblem = WayBack.Problem(planned) } : stage;
    }

    /// <summary>As above, and nothing is said of the way back.</summary>
    public CheckpointStage Plan(NamedCheckpoint named)
    {
        var path = named.Path;
        CheckpointStage reached = named;
        try
        {
            var opened = Gated(named.Open());
            var merge = request.IsMerge ? Merge(opened) : null;
            opened = merge is null ? opened : WithBase(opened, merge.Adapter);
            if (request.DropOptimizer)
            {
                opened = Reach(opened.WithoutOptimizers());
            }

            var scanned = Reach(Reach(opened.WithUnreferenced(request.DropUnreferenced)).Scan());
            var outline = merge is null
                ? MigrationPlanner.Outline(scanned.Scan, request.Conversion)
                : MigrationPlanner.OutlineMerge(scanned.Scan, merge);
            var geometry = outline.HasWork ? Resolve(scanned) : null;
            var planned = Reach(new PlannedCheckpoint(scanned, MigrationPlanner.Plan(outline, geometry, request.Lora, request.OptimizerOrder)));

            // A plan that is only shown reads no tensor; the weights are asked when their rows are about to move.
            return request.DryRun ? planned : planned.HeldAgainstWeights(request.StrictEvidence);
        }
        catch (MigrationException error)
        {
            return reached.Refused(error.InFile(reached.WorkedOn));
        }
        catch
        {
            reached.Dispose();
            throw;
        }

        TStage Reach<TStage>(TStage stage)
            where TStage : CheckpointStage
        {
            reached = stage;
            return stage;
        }

        OpenedCheckpoint Gated(OpenedCheckpoint opened) => Reach(Reach(opened).Gated(request.AllowUnsafePickle));

        // The base may be in the LoRA's own file, or in another.
        OpenedCheckpoint WithBase(OpenedCheckpoint opened, LoraAdapter adapter) => adapter.HoldsBase
            ? Reach(opened.WithoutLora(adapter))
            : Gated(Reach(opened.SetAside(adapter)).OpenBase(LoraBase.Find(path, request.Lora.Base)));
    }

    /// <summary>The merge of the LoRA in a file.</summary>
    private LoraMerge Merge(OpenedCheckpoint opened)
    {
        var updater = request.LowRankUpdater ?? throw new InvalidOperationException($"a merge is asked for without {nameof(MigrationRequest.LowRankUpdater)}");
        return new LoraMerge(LoraAdapter.Of(opened.Scan().Scan, request.Lora), request.Lora, updater);
    }

    /// <summary>The geometry; where there is none, and tensors may be read, the failure says which ones the weights speak for.</summary>
    private ResolvedGeometry Resolve(ScannedCheckpoint scanned)
    {
        try
        {
            return scanned.Resolve(request.Geometry);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Geometry && !request.DryRun)
        {
            throw EvidenceCheck.WithRanking(error, scanned.Scan);
        }
    }
}
