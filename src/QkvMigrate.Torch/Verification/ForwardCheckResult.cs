namespace QkvMigrate.Torch.Verification;

/// <summary>What the two models said to the same tokens.</summary>
/// <param name="Tokens">The prompt.</param>
/// <param name="MaximumDifference">The largest difference of two logits at the same place.</param>
/// <param name="Tolerance">The largest difference that rounding explains.</param>
/// <param name="OriginalContinuation">The greedy tokens behind the prompt, from the original.</param>
/// <param name="UpgradedContinuation">The same from the upgraded file.</param>
/// <param name="ContinuationIsSame">Whether the two are the same, up to a choice between two logits that differ by no more than the tolerance.</param>
public sealed record ForwardCheckResult(
    IReadOnlyList<int> Tokens,
    double MaximumDifference,
    double Tolerance,
    IReadOnlyList<int> OriginalContinuation,
    IReadOnlyList<int> UpgradedContinuation,
    bool ContinuationIsSame)
{
    /// <summary>Whether the models say the same. Not so where a logit is no number.</summary>
    public bool IsSame => MaximumDifference <= Tolerance && ContinuationIsSame;
}
