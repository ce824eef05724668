namespace QkvMigrate.Verification;

/// <summary>What came of one region.</summary>
/// <param name="Log">The differences; at most <see cref="DifferenceLog.Kept"/> rows and a checksum.</param>
/// <param name="ComparedBytes">Bytes of the second file that were compared.</param>
/// <param name="HasChecksum">Whether the CRC-32 was computed.</param>
internal readonly record struct RegionResult(DifferenceLog Log, long ComparedBytes, bool HasChecksum);
