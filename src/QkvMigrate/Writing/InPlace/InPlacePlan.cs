namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// How a file becomes another one in its own place: bytes that move within blocks, a step at a time, and at the end what stands
/// around the tensors. Until that end the file is, to a reader, the old one with some rows in other places.
/// </summary>
/// <param name="OldLength">Bytes of the old file.</param>
/// <param name="NewLength">Bytes of the new file.</param>
/// <param name="Steps">The steps, in the order of the file.</param>
/// <param name="Before">The bytes of the old file that are written at the end.</param>
/// <param name="After">The bytes of the new file that are written at the end; zeros where a checksum stands.</param>
/// <param name="Checksums">The checksums of the new file that its steps decide.</param>
internal sealed record InPlacePlan(
    long OldLength,
    long NewLength,
    IReadOnlyList<InPlaceStep> Steps,
    RangeImage Before,
    RangeImage After,
    IReadOnlyList<PlannedChecksum> Checksums)
{
    /// <summary>Bytes of the largest step; the journal has room for two.</summary>
    public long LargestStep => Steps.Count == 0 ? 0 : Steps.Max(step => step.Length);

    /// <summary>Bytes of all steps.</summary>
    public long StepBytes => Steps.Sum(step => step.Length);

    /// <summary>The bytes that a step changes or that stay, within both files: all but what is written at the end.</summary>
    public static IReadOnlyList<ByteRange> Clip(IEnumerable<ByteRange> ranges, long length) =>
    [
        .. ranges.Where(range => range.Start < length).Select(range => range with { Length = Math.Min(range.End, length) - range.Start }),
    ];
}
