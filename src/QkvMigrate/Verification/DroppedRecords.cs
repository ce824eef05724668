using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Verification;

/// <summary>
/// The entries of a zip that may be left out: those in its folder of storages that its pickle never names, unless another pickle
/// in the zip could name them. They are found here anew; what the writer of the second file found does not count.
/// </summary>
internal static class DroppedRecords
{
    private const string Pickle = "data.pkl";
    private const string Folder = "data/";

    /// <summary>Where the key stands in <c>('storage', class, key, location, numel)</c> (torch/serialization.py, <c>_save.persistent_id</c>).</summary>
    private const int KeyIndex = 2;

    /// <summary>None, where all must be there.</summary>
    public static IReadOnlySet<string> None { get; } = new HashSet<string>();

    /// <summary>Their names; none in files that are no zips.</summary>
    public static IReadOnlySet<string> Of(Checkpoint original)
    {
        if (original is not TorchZipCheckpoint { Directory: var zip, Pickle: var script, PickleEntry: var pickle })
        {
            return None;
        }

        var folder = pickle.Name[..^Pickle.Length] + Folder;
        var named = script.Read().Persistents.Select(Key).ToHashSet();
        var rest = zip.Entries.Where(entry => entry != pickle && !named.Contains(KeyOf(entry.Name, folder))).ToList();
        var unnamed = rest.Select(entry => entry.Name).Where(name => IsStorage(name, folder)).ToHashSet();
        return unnamed.Count == 0
            || PersistentIds.AreInStringsOf(script.Bytes)
            || rest.Exists(entry => !unnamed.Contains(entry.Name) && MayAsk(original.Source, entry))
            ? None
            : unnamed;
    }

    private static string? Key(PicklePersistent persistent) => (persistent.Id.Node as PickleTuple)?.Items[KeyIndex].Node switch
    {
        PickleString text => text.Text,
        PickleInteger number => number.Value.ToString(),
        _ => null,
    };

    private static string? KeyOf(string name, string folder) => name.StartsWith(folder, StringComparison.Ordinal) ? name[folder.Length..] : null;

    private static bool IsStorage(string name, string folder) => KeyOf(name, folder) is { Length: > 0 } key && key.All(char.IsAsciiDigit);

    private static bool MayAsk(SourceFile source, ZipEntry entry) =>
        NestedPickles.MayStart(source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.HeadLength)))
        && (entry.Size > NestedPickles.MaximumLength || PersistentIds.AreIn(source.Read(entry.DataOffset, (int)entry.Size)));
}
