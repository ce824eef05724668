namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>What is to change in a zip.</summary>
internal sealed class ZipChanges
{
    /// <summary>New contents of entries that stay.</summary>
    public Dictionary<ZipEntry, ZipContent> Contents { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Entries that are taken out.</summary>
    public HashSet<ZipEntry> Removed { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Entries that come behind all others, with their contents.</summary>
    public List<(ZipEntry Entry, ZipContent Content)> Added { get; } = [];
}
