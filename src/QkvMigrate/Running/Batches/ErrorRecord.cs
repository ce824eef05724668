namespace QkvMigrate.Running.Batches;

/// <summary>A <see cref="MigrationException"/> as it is written down.</summary>
internal sealed record ErrorRecord(FailureKind Kind, string Problem, string? File, string? Where, long? Offset)
{
    /// <summary>The record of <paramref name="error"/>.</summary>
    public static ErrorRecord Of(MigrationException error) => new(error.Kind, error.Problem, error.File, error.Where, error.Offset);

    /// <summary>The failure again.</summary>
    public MigrationException ToException() => new(Kind, Problem, File, Where, Offset);
}
