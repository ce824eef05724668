namespace QkvMigrate.Pickling;

/// <summary>Makes the failures of this folder; offsets count from the start of the pickle.</summary>
internal static class PickleFailure
{
    /// <summary>The pickle breaks the rules of pickling at <paramref name="offset"/>.</summary>
    public static MigrationException At(int offset, string problem) =>
        new(FailureKind.Malformed, problem, where: "pickle", offset: offset);

    /// <summary>The pickle is beyond what this tool is ready to spend on one.</summary>
    public static MigrationException Limit(int offset, string problem) =>
        new(FailureKind.Unsupported, problem, where: "pickle", offset: offset);
}
