namespace QkvMigrate.Writing.InPlace;

/// <summary>What a journal says before the first byte of its file is changed.</summary>
/// <param name="Name">The name that the file has at other times, without a folder.</param>
/// <param name="Facts">What the caller has to know again: which change it is, and how it is proven.</param>
/// <param name="Plan">What changes.</param>
internal sealed record JournalHeader(string Name, byte[] Facts, InPlacePlan Plan);
