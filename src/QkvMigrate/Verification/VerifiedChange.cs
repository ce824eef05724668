namespace QkvMigrate.Verification;

/// <summary>What a migration makes of a file: one layout becomes another. Each is an entry of <see cref="VerifiedLayouts.Changes"/>.</summary>
internal sealed class VerifiedChange
{
    /// <summary>The layout of the first file.</summary>
    public required VerifiedLayout From { get; init; }

    /// <summary>The layout of the second file.</summary>
    public required VerifiedLayout To { get; init; }

    /// <summary>What was done to the file, as differences name it.</summary>
    public required string PastTense { get; init; }

    /// <summary>Whether each file of the first layout must have been changed. Otherwise the names in the second file tell whether it was.</summary>
    public required bool IsMandatory { get; init; }

    /// <summary>
    /// Whether what has the shape of a fused tensor and a word for a name (<c>first_attention</c>) may stand in the first file, and stays as
    /// it is. Files that were upgraded have such tensors: those that shared a storage with a fused one, and kept the old rows.
    /// </summary>
    public required bool LeavesWords { get; init; }
}
