namespace QkvMigrate.Verification;

/// <summary>What was covered of the files that lie beside checkpoints: a line for each that is more than a copy, and one for all copies.</summary>
internal sealed class DirectoryProofs
{
    private int copies;

    /// <summary>Takes the lines of files that follow the checkpoints.</summary>
    public ProofLog Lines { get; } = new();

    /// <summary>Counts a file that was compared byte by byte.</summary>
    public void CountCopy() => copies++;

    /// <summary>A report of a checkpoint in the same directory that tells of its surroundings too.</summary>
    public VerificationReport AddedTo(VerificationReport report)
    {
        var told = Lines.AddedTo(report);
        return copies == 0 ? told : told with { Covered = [.. told.Covered, new ProofLine("other files", $"{copies}, byte by byte")] };
    }
}
