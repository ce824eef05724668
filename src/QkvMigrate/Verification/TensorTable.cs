using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Holds the tensors of two files against each other, in order: container, key, dtype, shape, strides, storage.</summary>
internal static class TensorTable
{
    /// <summary>Compares the tables.</summary>
    public static void Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        var count = Math.Min(original.Tensors.Count, upgraded.Tensors.Count);
        for (var i = 0; i < count; i++)
        {
            Compare(original.Tensors[i], upgraded.Tensors[i], changes, log);
        }

        foreach (var missing in original.Tensors.Skip(count))
        {
            log.Add($"tensor '{missing.Label}'", "it is not in the second file, or those before it have taken its place");
        }

        foreach (var stray in upgraded.Tensors.Skip(count))
        {
            log.Add($"tensor '{stray.Label}'", "the first file has no such tensor");
        }
    }

    private static void Compare(TensorEntry before, TensorEntry after, ExpectedChanges changes, DifferenceLog log)
    {
        var place = $"tensor '{before.Label}'";
        var path = changes.PathAfter(before.Container.Path);
        if (path != after.Container.Path)
        {
            log.Add(place, $"it stands in '{after.Container.Path}', expected '{path}'");
        }

        var name = before.Name is { } key ? changes.Renames.GetValueOrDefault(key.Id, key.Text) : null;
        if (name != after.Name?.Text || (name is null && Step(before) != Step(after)))
        {
            log.Add(place, $"'{after.Label}' stands in its place, expected the name '{name ?? before.Label}'");
        }

        Check("dtype", before.DType.Name, after.DType.Name);
        Check("shape", Numbers(before.Shape), Numbers(after.Shape));
        Check("strides", Numbers(before.Strides), Numbers(after.Strides));
        Check("storage", before.Storage.Key, after.Storage.Key);
        Check("storage offset", before.StorageOffset.ToString(), after.StorageOffset.ToString());
        Check("bytes of the storage", before.Storage.Length.ToString(), after.Storage.Length.ToString());

        void Check(string what, string expected, string found)
        {
            if (expected != found)
            {
                log.Add(place, $"{what} {found}, expected {expected}");
            }
        }
    }

    /// <summary>The last step of a label: the index, where there is no key.</summary>
    private static string Step(TensorEntry tensor) => tensor.Label[tensor.Container.Path.Length..];

    private static string Numbers(IReadOnlyList<long> numbers) => $"({string.Join(", ", numbers)})";
}
