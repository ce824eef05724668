using QkvMigrate.Files;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// Finds the storages of a zip that nothing in it names. Only <c>STEM/data/NUMBER</c> is one; what this tool does not know
/// is no storage. Where another pickle than <c>data.pkl</c> asks for storages, it may mean any of them, and none is found.
/// </summary>
internal static class UnreferencedEntries
{
    /// <summary>The entries, in the order of the file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="entries">Its entries but <c>data.pkl</c>, the storages that it names, and those that are taken out anyway.</param>
    /// <param name="folder">The folder of storages, with a slash at its end.</param>
    /// <param name="pickle">What <c>data.pkl</c> holds.</param>
    public static IReadOnlyList<ZipEntry> Find(SourceFile source, IReadOnlyList<ZipEntry> entries, string folder, PickleScript pickle)
    {
        List<ZipEntry> storages = [.. entries.Where(IsStorage)];
        return storages.Count == 0
            || PersistentIds.AreInStringsOf(pickle.Bytes)
            || entries.Any(entry => !IsStorage(entry) && MayAskForStorages(source, entry))
                ? []
                : storages;

        bool IsStorage(ZipEntry entry) => entry.Name.StartsWith(folder, StringComparison.Ordinal) && IsNumber(entry.Name.AsSpan(folder.Length));
    }

    private static bool IsNumber(ReadOnlySpan<char> key) => !key.IsEmpty && !key.ContainsAnyExceptInRange('0', '9');

    /// <summary>Whether an entry may be a pickle that names storages; of one that is too long to be read nothing is known.</summary>
    private static bool MayAskForStorages(SourceFile source, ZipEntry entry) =>
        NestedPickles.MayStart(source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.HeadLength)))
        && (entry.Size > NestedPickles.MaximumLength || PersistentIds.AreIn(source.Read(entry.DataOffset, (int)entry.Size)));
}
