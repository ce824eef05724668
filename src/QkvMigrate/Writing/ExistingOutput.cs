namespace QkvMigrate.Writing;

/// <summary>The refusal of an output whose name is taken.</summary>
internal static class ExistingOutput
{
    /// <summary>The failure that names <paramref name="path"/>, which stays as it is.</summary>
    /// <param name="path">The output.</param>
    /// <param name="inner">What the system said, where it was the system that found out.</param>
    public static MigrationException Refused(string path, Exception? inner = null) =>
        new(FailureKind.Target, "the output exists already; --force replaces it", path, inner: inner);
}
