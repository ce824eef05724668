namespace QkvMigrate.Running.Batches;

/// <summary>A result whose checkpoint is gone from the source. It stays: it may be the last that there is of that checkpoint.</summary>
/// <param name="Checkpoint">The path of the checkpoint in the unit's directory.</param>
/// <param name="Result">The path of the result in the unit's output.</param>
internal sealed record OrphanedResult(string Checkpoint, string Result)
{
    private const string Problem =
        "the checkpoint that this was made from is gone from the source, so it stays; put that back, or remove this, or have --force "
        + "take it out of the account";

    /// <summary>The failure that tells of the result at <paramref name="path"/>.</summary>
    public static MigrationException Failure(string path) => new(FailureKind.Conflict, Problem, path);

    /// <summary>Whether <paramref name="error"/> tells of one.</summary>
    public static bool IsToldBy(MigrationException? error) => error is { Kind: FailureKind.Conflict, Problem: Problem };

    /// <summary>The report of it.</summary>
    /// <param name="source">The unit's directory.</param>
    /// <param name="output">The unit's output.</param>
    /// <param name="isLetGo">Whether <c>--force</c> takes it out of the account.</param>
    public CheckpointReport Report(string source, string output, bool isLetGo)
    {
        var checkpoint = Path.Combine(source, Checkpoint);
        var result = Path.Combine(output, Result);
        return !isLetGo ? CheckpointReport.Of(checkpoint, Failure(result)) : new CheckpointReport
        {
            Path = checkpoint,
            Status = CheckpointStatus.Unchanged,
            Output = result,
            Advice = [new Advice("result-let-go", "its source is gone and --force was given: the result stays, and belongs to the account no more")],
        };
    }
}
