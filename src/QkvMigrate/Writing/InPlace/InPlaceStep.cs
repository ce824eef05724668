namespace QkvMigrate.Writing.InPlace;

/// <summary>Blocks that are changed at once: their old bytes are in the journal before one of them is written.</summary>
/// <param name="Blocks">The blocks, in the order of the file.</param>
internal sealed record InPlaceStep(IReadOnlyList<MovedBlock> Blocks)
{
    /// <summary>Bytes of all blocks.</summary>
    public long Length { get; } = Blocks.Sum(block => block.Range.Length);

    /// <summary>The same blocks, in which nothing moves.</summary>
    public InPlaceStep Unmoved() => new([.. Blocks.Select(block => block with { Moves = [] })]);

    /// <summary>The step that takes all back.</summary>
    public InPlaceStep Inverse() => new([.. Blocks.Select(block => block.Inverse())]);
}
