namespace QkvMigrate.Writing.InPlace;

/// <summary>A CRC-32 of the new file, which stands in what is written last.</summary>
/// <param name="Range">The bytes that it is put over.</param>
/// <param name="Places">Where it stands, each time as four little-endian bytes.</param>
internal sealed record PlannedChecksum(ByteRange Range, IReadOnlyList<long> Places);
