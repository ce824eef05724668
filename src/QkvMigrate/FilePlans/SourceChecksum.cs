using QkvMigrate.Files;

namespace QkvMigrate.FilePlans;

/// <summary>
/// A record of a source whose bytes are all read for one checksum of the new file, each once and in any order, and the
/// CRC-32 that the source gives for them.
/// </summary>
/// <param name="Checksum">The number of the checksum whose segments read them.</param>
/// <param name="Source">The file that has the record.</param>
/// <param name="Entry">The record's name.</param>
/// <param name="Offset">Where it starts in that file.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Crc">Its CRC-32.</param>
public readonly record struct SourceChecksum(int Checksum, SourceFile Source, string Entry, long Offset, long Length, uint Crc)
{
    /// <summary>Where the record ends in its file.</summary>
    public long End => Offset + Length;

    /// <summary>The failure of a record whose bytes are no longer those that its checksum was made of.</summary>
    /// <param name="computed">The CRC-32 of what was read.</param>
    internal MigrationException Damaged(uint computed) =>
        new(FailureKind.Malformed, $"its bytes have CRC-32 {computed:x8}, the file gives {Crc:x8}: it is damaged", Source.Path, Entry, Offset);
}
