namespace QkvMigrate.Verification;

/// <summary>A run of bytes of a file.</summary>
/// <param name="Offset">Where it starts.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Crc">The CRC-32 that the file gives for it, or null where it gives none.</param>
internal readonly record struct FileRegion(long Offset, long Length, uint? Crc = null);
