using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>What becomes of all that may belong to fused tensors and has no name that says so.</summary>
/// <param name="Moves">The moves of what is proven to be a copy.</param>
/// <param name="Words">Tensors under words that a downgrade leaves, because an upgrade left them.</param>
/// <param name="Told">What stays, has the size of fused tensors and is no weight as far as the file says: each in words.</param>
internal sealed record FoundCopies(IReadOnlyList<TensorMove> Moves, IReadOnlyList<TensorEntry> Words, IReadOnlyList<string> Told)
{
    /// <summary>Nothing.</summary>
    public static FoundCopies None { get; } = new([], [], []);
}
