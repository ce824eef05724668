using System.Diagnostics;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Running;

/// <summary>A checkpoint file that was opened and planned, or the reason why it could not be.</summary>
internal sealed class PlannedCheckpoint : IDisposable
{
    private readonly Stopwatch watch = Stopwatch.StartNew();

    private PlannedCheckpoint(string path, IReadOnlyList<TensorEntry> otherShards)
    {
        Path = path;
        OtherShards = otherShards;
    }

    /// <summary>The file that the user named.</summary>
    public string Path { get; }

    /// <summary>The tensors in the other files of the same model, where it has several.</summary>
    public IReadOnlyList<TensorEntry> OtherShards { get; }

    /// <summary>The open file that is rewritten, where it could be opened: the one that the user named, or the base of its LoRA.</summary>
    public Checkpoint? Checkpoint { get; private set; }

    /// <summary>Where <see cref="Checkpoint"/> is the base of a LoRA that is merged into it, the LoRA's file.</summary>
    public Checkpoint? Adapter { get; private set; }

    /// <summary>The plan, where one could be made.</summary>
    public MigrationPlan? Plan { get; private set; }

    /// <summary>What its pickles name that the user should know of.</summary>
    private IReadOnlyList<Advice> PickleAdvice { get; set; } = [];

    /// <summary>The optimizers that are left out of the new file.</summary>
    public IReadOnlyList<OptimizerEntry> DroppedOptimizers { get; private set; } = [];

    /// <summary>The storages that nothing in the file names.</summary>
    private UnreferencedRecords Unreferenced { get; set; } = UnreferencedRecords.None;

    /// <summary>Whether these are left out of the new file.</summary>
    public bool DropsUnreferenced { get; private set; }

    /// <summary>What the weights say against the plan.</summary>
    private IReadOnlyList<Advice> EvidenceAdvice { get; set; } = [];

    /// <summary>Why there is no plan.</summary>
    public MigrationException? Error { get; private set; }

    /// <summary>
    /// Opens and plans <paramref name="path"/>, beside the tensors of <paramref name="otherShards"/>. Never throws for what
    /// lies in the file or the request.
    /// </summary>
    public static PlannedCheckpoint Open(string path, IReadOnlyList<TensorEntry> otherShards, MigrationRequest request)
    {
        var planned = new PlannedCheckpoint(path, otherShards);
        try
        {
            planned.Checkpoint = Checkpoint.Open(path);
            planned.PickleAdvice = PickleGate.Check(planned.Checkpoint, request.AllowUnsafePickle);
            planned.Plan = request.IsMerge
                ? planned.PlanMerge(request)
                : planned.PlanMigration(request);

            // A plan that is only shown reads no tensor; the weights are asked when their rows are about to move.
            if (!request.DryRun)
            {
                planned.EvidenceAdvice = EvidenceCheck.Check(planned.Checkpoint, planned.Plan, otherShards, request.StrictEvidence);
            }
        }
        catch (MigrationException error)
        {
            planned.Error = error.InFile(path);
        }

        return planned;
    }

    /// <summary>The geometry that fits <paramref name="shapes"/>: from the request, or from what lies beside the file.</summary>
    public ResolvedGeometry ResolveGeometry(MigrationRequest request, IReadOnlyList<AttentionShape> shapes) =>
        GeometryResolver.Resolve(request.Geometry, DirectoryOf(Path), shapes, Adapter is null ? null : DirectoryOf(Checkpoint!.Source.Path));

    /// <summary>The same; where there is none, and tensors may be read, the failure says which ones the weights speak for.</summary>
    private ResolvedGeometry ResolveOrRank(MigrationRequest request, IReadOnlyList<AttentionShape> shapes)
    {
        try
        {
            return ResolveGeometry(request, shapes);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Geometry && !request.DryRun)
        {
            throw EvidenceCheck.WithRanking(error, Checkpoint!, OtherShards);
        }
    }

    /// <summary>It failed after it was planned.</summary>
    public void Fail(MigrationException error) => Error = error;

    /// <summary>The report of what became of the checkpoint.</summary>
    public CheckpointReport Report(CheckpointStatus status, string? output = null, MigrationException? error = null) => new()
    {
        Path = Path,
        Status = status,
        Output = output,
        Format = Checkpoint?.Format,
        Layout = Plan?.Layout,
        Geometry = Plan?.Geometry?.Geometry,
        GeometrySource = Plan?.Geometry?.Source,
        Plan = Plan,
        Changes = Plan is { } plan ? PlanCounts.Of(plan) : null,
        TensorCount = Checkpoint?.Tensors.Count ?? 0,
        Unreferenced = Unreferenced,
        SourceBytes = Checkpoint?.Source.Length ?? 0,
        Globals = Checkpoint?.Globals ?? [],
        Advice = [.. PickleAdvice, .. DropAdvice(), .. UnreferencedAdvice(), .. EvidenceAdvice, .. Plan?.Advice ?? [], .. (Plan?.Geometry?.Warnings ?? []).Select(warning => new Advice("geometry-sources-differ", warning))],
        Elapsed = watch.Elapsed,
        Error = error ?? Error,
    };

    /// <summary>The report of a refusal or failure.</summary>
    public CheckpointReport Report(MigrationException error) =>
        Report(error.Kind is FailureKind.Io or FailureKind.Cancelled ? CheckpointStatus.Failed : CheckpointStatus.Refused, error: error);

    /// <inheritdoc/>
    public void Dispose()
    {
        Checkpoint?.Dispose();
        Adapter?.Dispose();
    }

    private static string DirectoryOf(string file) => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file))!;

    private void DropOptimizers(MigrationRequest request)
    {
        if (request.DropOptimizer && Checkpoint!.Optimizers is { Count: > 0 } optimizers)
        {
            Checkpoint = Checkpoint.Without(optimizers, []);
            DroppedOptimizers = optimizers;
        }
    }

    private IEnumerable<Advice> DropAdvice() => DroppedOptimizers.Where(_ => Plan?.IsNeeded == true).Select(optimizer => new Advice(
        "optimizer-dropped",
        $"optimizer state '{optimizer.Path}' of {optimizer.Parameters.Count} parameters is left out: training cannot be resumed from the new file, and that was not verified against the old one"));

    private void DropUnreferenced(MigrationRequest request)
    {
        Unreferenced = Checkpoint!.Unreferenced;
        if (request.DropUnreferenced && Unreferenced.Count > 0)
        {
            Checkpoint = Checkpoint.WithoutUnreferenced();
            DropsUnreferenced = true;
        }
    }

    private IEnumerable<Advice> UnreferencedAdvice()
    {
        if (Unreferenced.Count == 0 || Plan is null)
        {
            return [];
        }

        var records = $"{Unreferenced.Count} storages of the zip, {Unreferenced.Bytes} bytes, belong to no object of its pickle";
        return Plan.IsNeeded && DropsUnreferenced
            ? [new Advice("unreferenced-dropped", $"{records} and are left out: the way back will be without them, and so not byte for byte")]
            : [new Advice("unreferenced-records", $"{records}: --drop-unreferenced leaves them out{(Plan.IsNeeded ? "" : " along with a change of layout, which this file does not need")}")];
    }

    private MigrationPlan PlanMigration(MigrationRequest request)
    {
        DropOptimizers(request);
        DropUnreferenced(request);
        return MigrationPlanner.Plan(Checkpoint!, request.Conversion, shapes => ResolveOrRank(request, shapes), request.Lora, OtherShards);
    }

    /// <summary>Plans the merge of the LoRA that the file has with its base, which is in the same file or in another.</summary>
    private MigrationPlan PlanMerge(MigrationRequest request)
    {
        var updater = request.LowRankUpdater ?? throw new InvalidOperationException($"a merge is asked for without {nameof(MigrationRequest.LowRankUpdater)}");
        var lora = LoraAdapter.Of(Checkpoint!, request.Lora);
        if (lora.HoldsBase)
        {
            Checkpoint = lora.Checkpoint.Without([], lora.Tensors);
        }
        else
        {
            (Adapter, Checkpoint) = (Checkpoint, null);
            Checkpoint = Checkpoint.Open(LoraBase.Find(Path, request.Lora));
            PickleAdvice = [.. PickleAdvice, .. PickleGate.Check(Checkpoint, request.AllowUnsafePickle)];
        }

        DropOptimizers(request);
        DropUnreferenced(request);
        return MigrationPlanner.PlanMerge(Checkpoint, new LoraMerge(lora, request.Lora, updater), shapes => ResolveOrRank(request, shapes));
    }
}
