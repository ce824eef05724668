namespace QkvMigrate.Checkpoints;

/// <summary>Storages that a file carries and that nothing in it names: half of what lit-gpt's <c>convert_pretrained_checkpoint</c> wrote.</summary>
/// <param name="Count">How many.</param>
/// <param name="Bytes">Their bytes, without headers.</param>
public sealed record UnreferencedRecords(int Count, long Bytes)
{
    /// <summary>There are none.</summary>
    public static UnreferencedRecords None { get; } = new(0, 0);
}
