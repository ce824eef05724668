namespace QkvMigrate.Files.Systems;

/// <summary>A problem of the disk that was found without a system's error.</summary>
/// <param name="problem">The problem.</param>
/// <param name="message">The problem in words.</param>
internal sealed class DiskException(DiskProblem problem, string message) : IOException(message)
{
    /// <summary>The problem.</summary>
    public DiskProblem Problem { get; } = problem;
}
