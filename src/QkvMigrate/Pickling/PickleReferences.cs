namespace QkvMigrate.Pickling;

/// <summary>What a pickle refers to outside of itself: all that could run code if Python loaded it.</summary>
/// <param name="Globals">Every global that it names, in order.</param>
/// <param name="Unnamed">
/// What it would look up or call without naming it: codes of the extension registry, globals whose name is computed, and
/// calls of what another call returned.
/// </param>
internal sealed record PickleReferences(IReadOnlyList<PickleGlobal> Globals, IReadOnlyList<PickleNode> Unnamed);
