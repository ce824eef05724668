using QkvMigrate.Configuration;
using QkvMigrate.Planning;
using QkvMigrate.Trees;

namespace QkvMigrate.Running;

/// <summary>What is to become of a directory: its checkpoints, all planned before the first is written, and its configuration.</summary>
internal sealed class DirectoryPlan : IDisposable
{
    private DirectoryPlan(CheckpointUnit unit, string output, MigrationRequest request, IReadOnlyList<PlannedCheckpoint> checkpoints)
    {
        Unit = unit;
        Output = output;
        Request = request;
        Checkpoints = checkpoints;
    }

    /// <summary>The directory.</summary>
    public CheckpointUnit Unit { get; }

    /// <summary>The directory that becomes its result; its own root in place.</summary>
    public string Output { get; }

    /// <summary>What the user asks.</summary>
    public MigrationRequest Request { get; }

    /// <summary>Its checkpoints, in the order of their names.</summary>
    public IReadOnlyList<PlannedCheckpoint> Checkpoints { get; }

    /// <summary>How its configuration and the indexes of its shards change; nothing where a checkpoint has no plan.</summary>
    public ConfigurationRewrite Configuration { get; private set; } = ConfigurationRewrite.None;

    /// <summary>Whether there is a plan for each checkpoint, and one of them changes something.</summary>
    public bool IsNeeded => !HasError && Checkpoints.Any(checkpoint => checkpoint.Plan!.IsNeeded);

    /// <summary>Whether a checkpoint could not be planned, or failed since.</summary>
    public bool HasError => Checkpoints.Any(checkpoint => checkpoint.Error is not null);

    /// <summary>The files of the directory that come along as they are, relative to it.</summary>
    public IEnumerable<string> KeptFiles => Unit.OtherFiles.Where(file => !Configuration.Replaces(file));

    /// <summary>The links that come along as links.</summary>
    public IEnumerable<KeptLink> KeptLinks => Unit.LinksFor(Request.IsMerge);

    /// <summary>The files that a new directory has, relative to it.</summary>
    public IEnumerable<string> Results =>
    [
        .. Unit.Checkpoints.Select(Request.ResultName),
        .. KeptFiles,
        .. Configuration.Files.Where(file => file.Content is not null).Select(file => file.Name),
    ];

    /// <summary>Opens and plans the checkpoints of <paramref name="unit"/>. What is wrong with one of them, or with all, is in the plan.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="output">The directory that becomes its result; its own root in place.</param>
    /// <param name="request">What the user asks.</param>
    public static DirectoryPlan Open(CheckpointUnit unit, string output, MigrationRequest request)
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        unfit ??= shards.LeftOut(unit.LeftOut);
        var plan = new DirectoryPlan(unit, output, request, [.. unit.Checkpoints.Select(name => PlannedCheckpoint.Open(Path.Combine(unit.Root, name), shards.Beside(name), request))]);
        if (plan.HasError)
        {
            return plan;
        }

        try
        {
            plan.Configuration = unfit is null ? plan.PlanConfiguration(shards) : throw unfit;
        }
        catch (MigrationException error)
        {
            plan.Checkpoints[0].Fail(error);
        }

        return plan;
    }

    /// <summary>The file of a checkpoint's result.</summary>
    public string OutputOf(PlannedCheckpoint checkpoint) => Path.Combine(Output, Request.ResultName(checkpoint.Path));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var checkpoint in Checkpoints)
        {
            checkpoint.Dispose();
        }
    }

    private ConfigurationRewrite PlanConfiguration(ShardSet shards)
    {
        var configuration = Checkpoints.Any(checkpoint => checkpoint.Plan!.Layout.IsLitGpts)
            ? PlanModelConfiguration().With(PlanHyperparameters())
            : ConfigurationRewrite.None;
        return IsNeeded ? shards.AddTo(configuration, Request.Conversion) : configuration;
    }

    private ConfigurationRewrite PlanModelConfiguration() =>
        Request.Conversion.IsUpgrade ? ConfigurationRewrite.PlanUpgrade(Unit.Root) : ConfigurationRewrite.PlanDowngrade(Unit.Root);

    /// <summary>The hyperparameters follow a LoRA that is expanded; there is one file of them for all checkpoints.</summary>
    private ConfigurationRewrite PlanHyperparameters()
    {
        var expansions = Checkpoints.Select(checkpoint => checkpoint.Plan!.LoraExpansion).OfType<LoraExpansion>().Distinct().ToList();
        return expansions switch
        {
            [] => ConfigurationRewrite.None,
            [var expansion] => LoraHyperparameters.Expand(Unit.Root, expansion),
            _ => throw new MigrationException(FailureKind.Conflict, $"--lora expand: the checkpoints of this directory have LoRA of ranks {string.Join(" and ", expansions.Select(expansion => expansion.Rank))}, which one {LoraHyperparameters.FileName} cannot describe", Unit.Root),
        };
    }
}
