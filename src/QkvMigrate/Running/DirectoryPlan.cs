using QkvMigrate.Configuration;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Trees;

namespace QkvMigrate.Running;

/// <summary>What is to become of a directory all of whose checkpoints are planned.</summary>
/// <param name="Unit">The directory.</param>
/// <param name="Output">The directory that becomes its result; its own root in place.</param>
/// <param name="Request">What the user asks.</param>
/// <param name="Checkpoints">Its checkpoints, in the order of their names.</param>
/// <param name="Configuration">How its configuration and the indexes of its shards change.</param>
internal sealed record DirectoryPlan(
    CheckpointUnit Unit,
    string Output,
    MigrationRequest Request,
    IReadOnlyList<PlannedCheckpoint> Checkpoints,
    ConfigurationRewrite Configuration)
{
    /// <summary>Whether one of the checkpoints changes.</summary>
    public bool HasWork => NeedsWork(Checkpoints);

    /// <summary>The files of the directory that come along as they are, relative to it.</summary>
    public IEnumerable<string> KeptFiles => Unit.OtherFiles.Where(file => !Configuration.Replaces(file));

    /// <summary>The links that come along as links.</summary>
    public IEnumerable<KeptLink> KeptLinks => Unit.LinksFor(Request.IsMerge);

    /// <summary>The checkpoint that each result was made from, by the result's name.</summary>
    public IReadOnlyDictionary<string, string> Sources =>
        Unit.Checkpoints.GroupBy(Request.ResultName, StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First(), StringComparer.Ordinal);

    /// <summary>The files that a new directory has, relative to it.</summary>
    public IEnumerable<string> Results =>
    [
        .. Unit.Checkpoints.Select(Request.ResultName),
        .. KeptFiles,
        .. Configuration.Files.Where(file => file.Content is not null).Select(file => file.Name),
    ];

    /// <summary>Plans a directory.</summary>
    /// <param name="unit">The directory.</param>
    /// <param name="output">The directory that becomes its result; its own root in place.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="checkpoints">Its checkpoints, in the order of their names.</param>
    /// <param name="shards">Its shards.</param>
    /// <exception cref="MigrationException">The configuration cannot follow.</exception>
    public static DirectoryPlan Of(
        CheckpointUnit unit,
        string output,
        MigrationRequest request,
        IReadOnlyList<PlannedCheckpoint> checkpoints,
        ShardSet shards)
    {
        var configuration = checkpoints.Any(checkpoint => checkpoint.Plan.Layout.IsLitGpts)
            ? PlanModelConfiguration(unit, request.Conversion, NeedsWork(checkpoints)).With(PlanHyperparameters(unit, checkpoints))
            : ConfigurationRewrite.None;
        configuration = NeedsWork(checkpoints) ? shards.AddTo(configuration, request.Conversion) : configuration;
        return new DirectoryPlan(unit, output, request, checkpoints, configuration);
    }

    /// <summary>The reports of checkpoints that are done, or that a dry run shows.</summary>
    public IReadOnlyList<CheckpointReport> Reports(IEnumerable<CheckpointStage> done) => [.. done.Select(Report)];

    /// <summary>The file of a checkpoint's result.</summary>
    public string OutputOf(CheckpointStage checkpoint) => Path.Combine(Output, Request.ResultName(checkpoint.Path));

    private CheckpointReport Report(CheckpointStage done)
    {
        var report = done.Report();
        return report with
        {
            Output = OutputOf(done),
            ConfigurationChanges = Configuration.Changes,
            Advice = [.. report.Advice, .. Configuration.Advice, .. Request.InPlace ? [] : Unit.LeftBehind],
        };
    }

    private static bool NeedsWork(IEnumerable<PlannedCheckpoint> checkpoints) => checkpoints.Any(checkpoint => checkpoint.Plan.HasWork);

    /// <summary>Where a checkpoint changes, its configuration has a way back too; where none does, nothing is said of one that was upgraded before.</summary>
    private static ConfigurationRewrite PlanModelConfiguration(CheckpointUnit unit, Conversion conversion, bool hasWork)
    {
        var texts = new ConfigurationTexts(unit.Root);
        var planned = conversion.IsUpgrade ? texts.Upgrade() : texts.Downgrade();
        Func<ConfigurationTexts, ConfigurationRewrite> undo = conversion.IsUpgrade ? made => made.Downgrade() : made => made.Upgrade();
        return hasWork ? planned.WithWayBackAdvice(texts, undo) : planned;
    }

    /// <summary>The hyperparameters follow a LoRA that is expanded; there is one file of them for all checkpoints.</summary>
    private static ConfigurationRewrite PlanHyperparameters(CheckpointUnit unit, IEnumerable<PlannedCheckpoint> checkpoints)
    {
        var expansions = checkpoints.Select(checkpoint => checkpoint.Plan.LoraExpansion).OfType<LoraExpansion>().Distinct().ToList();
        return expansions switch
        {
            [] => ConfigurationRewrite.None,
            [var expansion] => LoraHyperparameters.Expand(unit.Root, expansion),
            _ => throw new MigrationException(
                FailureKind.Conflict,
                $"--lora expand: the checkpoints of this directory have LoRA of ranks {string.Join(" and ", expansions.Select(expansion => expansion.Rank))}, "
                + $"which one {LoraHyperparameters.FileName} cannot describe",
                unit.Root),
        };
    }
}
