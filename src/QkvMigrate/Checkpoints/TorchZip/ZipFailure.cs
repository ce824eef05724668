namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>Makes the failures of zip reading.</summary>
internal static class ZipFailure
{
    /// <summary>How failures name the directory.</summary>
    public const string DirectoryPlace = "zip directory";

    /// <summary>What failures call an entry.</summary>
    public const string EntryKind = "zip entry";

    /// <summary>How failures name an entry.</summary>
    public static string Place(string entry) => $"{EntryKind} '{entry}'";

    /// <summary>An entry's headers break the rules of zip files.</summary>
    public static MigrationException At(string entry, long offset, string problem) =>
        new(FailureKind.Malformed, problem, where: Place(entry), offset: offset);

    /// <summary>The directory breaks the rules of zip files.</summary>
    public static MigrationException Directory(long offset, string problem) =>
        new(FailureKind.Malformed, problem, where: DirectoryPlace, offset: offset);

    /// <summary>A record's bytes are no longer those that its checksum was made of.</summary>
    public static MigrationException Damaged(string file, string where, long offset, uint computed, uint stored) =>
        new(FailureKind.Malformed, $"its bytes have CRC-32 {computed:x8}, the file gives {stored:x8}: it is damaged", file, where, offset);
}
