using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Planning.Stages;

/// <summary>The file that is rewritten is open, and what is left out of the new one is taken out.</summary>
/// <param name="Named">What the user named.</param>
/// <param name="Checkpoint">The file that the user named, or the base of the LoRA in it; without what is left out.</param>
internal sealed record OpenedCheckpoint(NamedCheckpoint Named, Checkpoint Checkpoint) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Named;

    /// <inheritdoc/>
    public override string Path => Named.Path;

    /// <summary>What its pickles, and those of its LoRA, name that the user should know of.</summary>
    public IReadOnlyList<Advice> PickleAdvice { get; private init; } = Named.PickleAdvice;

    /// <summary>The optimizers that are left out of the new file.</summary>
    public IReadOnlyList<OptimizerEntry> DroppedOptimizers { get; private init; } = [];

    /// <summary>The storages that nothing in the file names.</summary>
    public UnreferencedRecords Unreferenced { get; private init; } = UnreferencedRecords.None;

    /// <summary>Whether these are left out of the new file.</summary>
    public bool DropsUnreferenced { get; private init; }

    /// <summary>The same, where its pickles may be worked on.</summary>
    /// <param name="allowUnsafe">Whether pickles that can run code are accepted.</param>
    /// <exception cref="MigrationException">A pickle can run code, and that is not accepted.</exception>
    public OpenedCheckpoint Gated(bool allowUnsafe) =>
        this with { PickleAdvice = [.. PickleAdvice, .. PickleGate.Check(Checkpoint, allowUnsafe)] };

    /// <summary>Where the file has a LoRA: it is set aside, and its base is opened next.</summary>
    /// <param name="adapter">The LoRA, which is in another file than its base.</param>
    public NamedCheckpoint SetAside(LoraAdapter adapter) => Named with { Adapter = adapter, PickleAdvice = PickleAdvice };

    /// <summary>The same without the matrices of a LoRA that stands beside its base.</summary>
    /// <exception cref="MigrationException">They cannot be taken out.</exception>
    public OpenedCheckpoint WithoutLora(LoraAdapter adapter) =>
        this with { Checkpoint = adapter.Checkpoint.Without([], adapter.Tensors) };

    /// <summary>The same without optimizers.</summary>
    /// <exception cref="MigrationException">They cannot be taken out.</exception>
    public OpenedCheckpoint WithoutOptimizers() => Checkpoint.Optimizers is { Count: > 0 } optimizers
        ? this with { Checkpoint = Checkpoint.Without(optimizers, []), DroppedOptimizers = optimizers }
        : this;

    /// <summary>The same, with the storages that nothing in the file names counted, and taken out where that is asked for.</summary>
    public OpenedCheckpoint WithUnreferenced(bool areDropped)
    {
        var counted = this with { Unreferenced = Checkpoint.Unreferenced };
        return areDropped && counted.Unreferenced.Count > 0
            ? counted with { Checkpoint = Checkpoint.WithoutUnreferenced(), DropsUnreferenced = true }
            : counted;
    }

    /// <summary>Looks at the name of every tensor.</summary>
    /// <exception cref="MigrationException">Legacy and upgraded names stand in one file.</exception>
    public ScannedCheckpoint Scan() => new(this, AttentionScan.Of(Checkpoint, Named.OtherShards));

    /// <inheritdoc/>
    public override void Dispose()
    {
        Checkpoint.Dispose();
        base.Dispose();
    }
}
