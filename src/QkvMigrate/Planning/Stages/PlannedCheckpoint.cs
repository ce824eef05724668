namespace QkvMigrate.Planning.Stages;

/// <summary>All that changes in the file is decided.</summary>
/// <param name="Scanned">The file and its fused attention.</param>
/// <param name="Plan">What changes.</param>
internal sealed record PlannedCheckpoint(ScannedCheckpoint Scanned, MigrationPlan Plan) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Scanned;

    /// <inheritdoc/>
    public override string Path => Scanned.Path;

    /// <summary>The open file.</summary>
    public OpenedCheckpoint Opened => Scanned.Opened;

    /// <summary>What the user should know, of the file, of what is left out of the new one, and of the plan.</summary>
    public IReadOnlyList<Advice> Advice =>
    [
        .. Opened.PickleAdvice,
        .. DropAdvice(),
        .. UnreferencedAdvice(),
        .. WayBackAdvice(),
        .. EvidenceAdvice,
        .. Plan.Advice,
        .. (Plan.Rewrite?.Geometry.Warnings ?? []).Select(warning => new Advice("geometry-sources-differ", warning)),
    ];

    /// <summary>Why undoing the plan will not give the old file byte for byte; null where it will, or where that was not asked.</summary>
    public string? WayBackProblem { get; init; }

    /// <summary>What the weights say against the plan.</summary>
    private IReadOnlyList<Advice> EvidenceAdvice { get; init; } = [];

    /// <summary>The same, held against a sample of the weights.</summary>
    /// <param name="isStrict">Whether what they say against the plan is a refusal.</param>
    /// <exception cref="MigrationException">The weights speak against the plan and <paramref name="isStrict"/> is set, or the file cannot be read.</exception>
    public PlannedCheckpoint HeldAgainstWeights(bool isStrict) =>
        this with { EvidenceAdvice = EvidenceCheck.Check(Scanned.Scan, Plan, isStrict) };

    private IEnumerable<Advice> DropAdvice() => Opened.DroppedOptimizers.Where(_ => Plan.HasWork).Select(optimizer => new Advice(
        "optimizer-dropped",
        $"optimizer state '{optimizer.Path}' of {optimizer.Parameters.Count} parameters is left out: "
        + "training cannot be resumed from the new file"));

    private IEnumerable<Advice> WayBackAdvice() => WayBackProblem is { } problem
        ? [new Advice("no-exact-way-back", $"undoing this will not give the old file byte for byte: {problem}; nor can its checksum prove the new file")]
        : [];

    private IEnumerable<Advice> UnreferencedAdvice()
    {
        var unreferenced = Opened.Unreferenced;
        if (unreferenced.Count == 0)
        {
            return [];
        }

        var records = $"{unreferenced.Count} storages of the zip, {unreferenced.Bytes} bytes, belong to no object of its pickle";
        if (Plan.HasWork && Opened.DropsUnreferenced)
        {
            return [new Advice("unreferenced-dropped", $"{records} and are left out: the way back will be without them, and so not byte for byte")];
        }

        var condition = Plan.HasWork ? "" : " along with a change of layout, which this file does not need";
        return [new Advice("unreferenced-records", $"{records}: --drop-unreferenced leaves them out{condition}")];
    }
}
