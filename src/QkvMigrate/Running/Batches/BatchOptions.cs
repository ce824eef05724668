using QkvMigrate.Folders;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>How a batch of checkpoints is worked on.</summary>
public sealed record BatchOptions
{
    /// <summary>Which checkpoints of the trees are worked on.</summary>
    public CheckpointSelection Selection { get; init; } = CheckpointSelection.All;

    /// <summary>Units that compute at a time, at least 1. Each takes the memory of one. Small ones are begun by the dozen, and wait for the disk together.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>The part of the work that this run does, or null for all of it.</summary>
    public WorkPart? Part { get; init; }

    /// <summary>Keep the plan and the globals of each checkpoint in its report. They grow with the number of tensors.</summary>
    public bool KeepPlans { get; init; }

    /// <summary>Receives the progress, or null.</summary>
    public IBatchObserver? Observer { get; init; }
}
