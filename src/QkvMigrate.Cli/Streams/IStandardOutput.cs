namespace QkvMigrate.Cli.Streams;

/// <summary>Where a standard stream of the system leads.</summary>
internal interface IStandardOutput
{
    /// <summary>Writes all of <paramref name="bytes"/>.</summary>
    /// <returns>What kept it from taking them all, in the system's words, or null.</returns>
    string? Write(ReadOnlySpan<byte> bytes);
}
