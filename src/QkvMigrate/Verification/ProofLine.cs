namespace QkvMigrate.Verification;

/// <summary>One line of what a verification held against the first file, or of what it did not look at.</summary>
/// <param name="Subject">What: the tensors, the pickle, the configuration, the other files.</param>
/// <param name="Statement">How much of it, and by which measure; without a verdict, which is the differences' to give.</param>
public sealed record ProofLine(string Subject, string Statement);
