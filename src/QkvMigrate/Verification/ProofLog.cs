namespace QkvMigrate.Verification;

/// <summary>
/// Takes from each proof a line of what it covered, and of what it did not. Who proves adds the line beside the comparison, so
/// that none is listed that did not run. A verification of a file has one, and so has each directory for what lies beside.
/// </summary>
internal sealed class ProofLog
{
    private readonly List<ProofLine> covered = [];
    private readonly List<ProofLine> leftOut = [];

    /// <summary>What was covered, in the order of the proofs.</summary>
    public IReadOnlyList<ProofLine> Covered => covered;

    /// <summary>What was not.</summary>
    public IReadOnlyList<ProofLine> LeftOut => leftOut;

    /// <summary>Adds what a proof covered.</summary>
    /// <param name="subject">What: "pickle".</param>
    /// <param name="statement">How much, by which measure.</param>
    public void Cover(string subject, string statement) => covered.Add(new ProofLine(subject, statement));

    /// <summary>Adds what a proof did not look at, and why.</summary>
    /// <param name="subject">What: "configuration".</param>
    /// <param name="statement">How much, or why.</param>
    public void LeaveOut(string subject, string statement) => leftOut.Add(new ProofLine(subject, statement));

    /// <summary>Adds that a link stands in the place of a file.</summary>
    /// <param name="name">The file.</param>
    public void LinkForFile(string name) => LeaveOut("link", $"{name}: a file in the first directory, and in the second a link whose end was compared");

    /// <summary>A report that tells, behind its own lines, what this log has.</summary>
    public VerificationReport AddedTo(VerificationReport report) => report with
    {
        Covered = [.. report.Covered, .. covered],
        LeftOut = [.. report.LeftOut, .. leftOut],
    };
}
