using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Running.Batches;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Exports;

/// <summary>Exports the model of a unit: all is planned before the first byte is written.</summary>
/// <param name="unit">The unit.</param>
/// <param name="output">The directory that becomes its result.</param>
/// <param name="request">What the user asks.</param>
/// <param name="journal">Told how far the writing is, where the unit is part of a tree; null otherwise.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class ModelExport(CheckpointUnit unit, string output, MigrationRequest request, UnitJournal? journal, CancellationToken cancellation)
{
    private readonly Stopwatch watch = Stopwatch.StartNew();

    /// <summary>Exports a checkpoint file that a user named by itself.</summary>
    public static IReadOnlyList<CheckpointReport> OfFile(MigrationRequest request, CancellationToken cancellation)
    {
        request.ShardOwners.CheckAlone(request.Path);
        return new ModelExport(ExportUnit.OfFile(request.Path), OutputOf(request), request, null, cancellation).Run();
    }

    /// <summary>The directory that a checkpoint file becomes: <c>lit_model.pth</c> becomes <c>lit_model-hf</c>.</summary>
    public static string OutputOf(MigrationRequest request) =>
        request.Output ?? Path.Combine(Path.GetDirectoryName(request.Path) ?? "", $"{Path.GetFileNameWithoutExtension(request.Path)}{request.Suffix}");

    /// <summary>Does it: a report for each checkpoint of the unit.</summary>
    public IReadOnlyList<CheckpointReport> Run()
    {
        try
        {
            using var models = OpenedModels.Open(unit);
            return models.Model.Count > 0 ? Export(models.Model)
                : journal is not null ? NothingToDo(journal)
                : throw new MigrationException(
                    FailureKind.Unsupported,
                    "there is no model of LitGPT's in it: no tensor bears a name like transformer.h.0.attn.qkv.weight",
                    Path.Combine(unit.Root, unit.Checkpoints[0]));
        }
        catch (MigrationException error)
        {
            return [.. unit.Checkpoints.Select((name, i) => i == 0 ? Failed(name, error) : Skipped(name, new Advice("directory-refused", "another checkpoint of its directory was refused")))];
        }
        catch (OperationCanceledException error)
        {
            return [Failed(unit.Checkpoints[0], CheckpointWriting.Cancelled(output, error))];
        }
    }

    /// <summary>A folder of a tree without a model of LitGPT's, such as one of Hugging Face's, is passed over.</summary>
    private IReadOnlyList<CheckpointReport> NothingToDo(UnitJournal known)
    {
        known.Retire();
        return [.. unit.Checkpoints.Select(name => Path.Combine(unit.Root, name)).Select(path => new CheckpointReport
        {
            Path = path,
            Status = CheckpointStatus.Unchanged,
            Layout = LayoutFamilies.None,
            SourceBytes = FileIdentity.Of(path)?.Size ?? 0,
        })];
    }

    private IReadOnlyList<CheckpointReport> Export(IReadOnlyList<Checkpoint> files)
    {
        List<Advice> advice = [];
        foreach (var file in files)
        {
            advice.AddRange(PickleGate.Check(file, request.AllowUnsafePickle));
            UnreadableAttention.Check(file, LayoutFamilies.Interleaved);
        }

        var plan = ExportPlanner.Plan(
            files,
            unit.Root,
            request.Export! with { ConfigurationPath = request.Geometry.ConfigPath, Lora = request.Lora },
            mayRead: !request.DryRun);
        ExportTargets.Check(plan, unit, output, request, journal);
        if (!request.DryRun)
        {
            new ExportWriting(plan, unit, files, output, request, journal, () => Reports(files, plan, advice), cancellation).Run();
        }

        return journal?.Recorded ?? Reports(files, plan, advice);
    }

    private IReadOnlyList<CheckpointReport> Reports(IReadOnlyList<Checkpoint> files, ExportPlan plan, IReadOnlyList<Advice> advice)
    {
        var names = files.Select(file => Path.GetFileName(file.Source.Path)).ToHashSet(StringComparer.Ordinal);
        var first = Path.GetFileName(files[0].Source.Path);
        return [.. unit.Checkpoints.Select(name => name == first ? Exported(files[0], plan, [.. advice, .. plan.Advice])
            : names.Contains(name) ? Skipped(name, new Advice("exported-together", $"it was exported with {first}, another shard of its model"))
            : Skipped(
                name,
                new Advice("not-exported", $"it stays behind: the model of its directory is {string.Join(", ", names.Order(StringComparer.Ordinal))}")))];
    }

    private CheckpointReport Exported(Checkpoint file, ExportPlan plan, IReadOnlyList<Advice> advice) => new()
    {
        Path = Path.Combine(unit.Root, Path.GetFileName(file.Source.Path)),
        Status = request.DryRun ? CheckpointStatus.Planned : CheckpointStatus.Exported,
        Output = Path.Combine(output, plan.MainFile),
        Format = file.Format,
        Layout = plan.Layout,
        Geometry = plan.Model.Geometry,
        GeometrySource = plan.ConfigurationName,
        TensorCount = plan.TensorCount,
        SourceBytes = file.Source.Length,
        Export = Summary(plan),
        Advice = advice,
        Elapsed = watch.Elapsed,
    };

    private static ExportSummary Summary(ExportPlan plan)
    {
        var tensors = plan.Weights.SelectMany(file => file.Tensors);
        return new ExportSummary(
            plan.Family.Name,
            tensors.GroupBy(tensor => tensor.DType.Name, StringComparer.Ordinal).MaxBy(same => same.Sum(tensor => tensor.Bytes))!.Key,
            [.. plan.Weights.Select(file => new ExportedFile(file.Name, file.Layout.Length, file.Tensors.Count))],
            [.. plan.Files.Except(plan.Weights.Select(file => file.Name), StringComparer.Ordinal)]);
    }

    private CheckpointReport Failed(string name, MigrationException error) =>
        CheckpointReport.Of(Path.Combine(unit.Root, name), error) with { Elapsed = watch.Elapsed };

    private CheckpointReport Skipped(string name, Advice why) => new()
    {
        Path = Path.Combine(unit.Root, name),
        Status = CheckpointStatus.Skipped,
        Advice = [why],
    };
}
