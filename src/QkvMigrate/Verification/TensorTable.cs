using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Holds the tensors of two files against each other, in order: container, key, dtype, shape, strides, storage.</summary>
internal static class TensorTable
{
    /// <summary>Compares the tables.</summary>
    public static void Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        // A storage of safetensors is its tensor's own and bears its name; that it has the same place is said by the header.
        var hasKeys = original.Format != CheckpointFormat.Safetensors;
        var count = Math.Min(original.Tensors.Count, upgraded.Tensors.Count);
        for (var i = 0; i < count; i++)
        {
            Compare(original.Tensors[i], upgraded.Tensors[i], hasKeys, changes, log);
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

    private static void Compare(TensorEntry before, TensorEntry after, bool hasKeys, ExpectedChanges changes, DifferenceLog log)
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

        var expected = changes.After(before);
        Check("dtype", expected.DType.Name, after.DType.Name);
        Check("shape", Numbers(expected.Shape), Numbers(after.Shape));
        Check("strides", Numbers(expected.Strides), Numbers(after.Strides));
        Check("storage", hasKeys ? expected.Storage.Key : "", hasKeys ? after.Storage.Key : "");
        Check("storage offset", expected.StorageOffset.ToString(), after.StorageOffset.ToString());
        Check("bytes of the storage", expected.Storage.Length.ToString(), after.Storage.Length.ToString());

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
