namespace QkvMigrate.Cli.Streams;

/// <summary>A stream that the parent left closed.</summary>
/// <param name="problem">What is said of it, in the system's words.</param>
internal sealed class ClosedOutput(string problem) : IStandardOutput
{
    /// <inheritdoc/>
    public string? Write(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? null : problem;
}
