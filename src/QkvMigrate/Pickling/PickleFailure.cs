namespace QkvMigrate.Pickling;

/// <summary>Makes the failures of this folder; offsets count from the start of the pickle.</summary>
internal static class PickleFailure
{
    /// <summary>The pickle breaks the rules of pickling at <paramref name="offset"/>.</summary>
    public static MigrationException At(int offset, string problem) =>
        new(FailureKind.Malformed, problem, where: "pickle", offset: offset);

    /// <summary>
    /// The bytes end before the instruction at <paramref name="offset"/> does: with more of them it might be sound, which
    /// <see cref="IsCutOff"/> tells of no other failure.
    /// </summary>
    public static MigrationException CutOff(int offset, string problem) =>
        new(FailureKind.Malformed, problem, where: "pickle", offset: offset, inner: new EndOfStreamException());

    /// <summary>Whether more bytes might mend <paramref name="failure"/>.</summary>
    public static bool IsCutOff(MigrationException failure) => failure.InnerException is EndOfStreamException;

    /// <summary>The pickle is beyond what this tool is ready to spend on one.</summary>
    public static MigrationException Limit(int offset, string problem) =>
        new(FailureKind.Unsupported, problem, where: "pickle", offset: offset);
}
