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
        var path = changes.PathAfter(before.Container.Path);
        if (path != after.Container.Path)
        {
            Add($"it stands in '{after.Container.Path}', expected '{path}'");
        }

        var name = before.Name is { } key ? changes.Renames.GetValueOrDefault(key.Id, key.Text) : null;
        if (name != after.Name?.Text || (name is null && !Step(before).SequenceEqual(Step(after))))
        {
            Add($"'{after.Label}' stands in its place, expected the name '{name ?? before.Label}'");
        }

        var expected = changes.After(before);
        if (expected.DType.Name != after.DType.Name)
        {
            Differs("dtype", after.DType.Name, expected.DType.Name);
        }

        if (!expected.Shape.SequenceEqual(after.Shape))
        {
            Differs("shape", Numbers(after.Shape), Numbers(expected.Shape));
        }

        if (!expected.Strides.SequenceEqual(after.Strides))
        {
            Differs("strides", Numbers(after.Strides), Numbers(expected.Strides));
        }

        if (hasKeys && expected.Storage.Key != after.Storage.Key)
        {
            Differs("storage", after.Storage.Key, expected.Storage.Key);
        }

        if (expected.StorageOffset != after.StorageOffset)
        {
            Differs("storage offset", after.StorageOffset.ToString(), expected.StorageOffset.ToString());
        }

        if (expected.Storage.Length != after.Storage.Length)
        {
            Differs("bytes of the storage", after.Storage.Length.ToString(), expected.Storage.Length.ToString());
        }

        void Differs(string what, string found, string expected) => Add($"{what} {found}, expected {expected}");

        void Add(string problem) => log.Add($"tensor '{before.Label}'", problem);
    }

    /// <summary>The last step of a label: the index, where there is no key.</summary>
    private static ReadOnlySpan<char> Step(TensorEntry tensor) => tensor.Label.AsSpan(tensor.Container.Path.Length);

    private static string Numbers(IReadOnlyList<long> numbers) => $"({string.Join(", ", numbers)})";
}
