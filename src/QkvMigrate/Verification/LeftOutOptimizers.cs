using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>
/// A file without the states of its optimizers, which the second file must not have. That nothing else left is checked here: by the
/// tensors, and by the storages that no value asks for any more.
/// </summary>
/// <param name="Rest">The first file without them; it has the first file's source.</param>
/// <param name="Records">The entries of the zip that only they asked for.</param>
internal sealed record LeftOutOptimizers(Checkpoint Rest, IReadOnlySet<string> Records)
{
    /// <summary>Takes them out of a file; null where it has none.</summary>
    /// <exception cref="MigrationException">They cannot be taken out without a change to the rest.</exception>
    public static LeftOutOptimizers? Of(Checkpoint original)
    {
        if (original.Optimizers.Count == 0)
        {
            return null;
        }

        var places = original.Optimizers.Select(optimizer => optimizer.Path + "/").ToList();
        var kept = original.Tensors.Where(tensor => !places.Exists(place => tensor.Label.StartsWith(place, StringComparison.Ordinal)));
        var rest = original.Without(original.Optimizers, []);
        if (rest.Optimizers.Count > 0 || !rest.Tensors.Select(Described).SequenceEqual(kept.Select(Described)))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "without the states of its optimizers other tensors are left than stand beside them",
                original.Source.Path);
        }

        return new LeftOutOptimizers(rest, rest is TorchZipCheckpoint zip ? RecordsOf(original, zip) : DroppedRecords.None);
    }

    private static HashSet<string> RecordsOf(Checkpoint original, TorchZipCheckpoint rest)
    {
        var gone = StoragesOf(original).Except(StoragesOf(rest)).ToHashSet();
        return [.. rest.Directory.Entries.Where(entry => gone.Contains(entry.DataOffset)).Select(entry => entry.Name)];
    }

    private static IEnumerable<long> StoragesOf(Checkpoint file) =>
        file.Tensors.Select(tensor => tensor.Storage).Concat(file.OpaqueStorages).Select(storage => storage.Offset);

    private static string Described(TensorEntry tensor) =>
        $"{tensor.Label} {tensor.DType.Name} {string.Join(',', tensor.Shape)} {string.Join(',', tensor.Strides)} {tensor.Storage.Key} {tensor.StorageOffset}";
}
