using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Holds the tensors of two files against each other, in order: container, key, dtype, shape, strides, storage.</summary>
internal static class TensorTable
{
    /// <summary>Compares the tables.</summary>
    public static void Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        var hasKeys = HasStorageKeys(original.Format);
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

    /// <summary>Whether storages have keys of their own. One of safetensors has its tensor's name; that it is in the same place is said by the header.</summary>
    private static bool HasStorageKeys(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip or CheckpointFormat.TorchLegacy => true,
        CheckpointFormat.Safetensors => false,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "the verifier does not know how this format names storages"),
    };

    private static void Compare(TensorEntry before, TensorEntry after, bool hasKeys, ExpectedChanges changes, DifferenceLog log)
    {
        var path = changes.PathAfter(before.Container);
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
        Check("dtype", expected.DType.Name, after.DType.Name);
        CheckAll("shape", expected.Shape, after.Shape);
        CheckAll("strides", expected.Strides, after.Strides);
        Check("storage", hasKeys ? expected.Storage.Key : "", hasKeys ? after.Storage.Key : "");
        Check("storage offset", expected.StorageOffset, after.StorageOffset);
        Check("bytes of the storage", expected.Storage.Length, after.Storage.Length);

        // Texts are made of what differs alone: a model has hundreds of tensors that do not.
        void Check<T>(string what, T expected, T found)
            where T : IEquatable<T>
        {
            if (!expected.Equals(found))
            {
                Add($"{what} {found}, expected {expected}");
            }
        }

        void CheckAll(string what, IReadOnlyList<long> expected, IReadOnlyList<long> found)
        {
            if (!expected.SequenceEqual(found))
            {
                Add($"{what} {Numbers(found)}, expected {Numbers(expected)}");
            }
        }

        void Add(string problem) => log.Add($"tensor '{before.Label}'", problem);
    }

    /// <summary>The last step of a label: the index, where there is no key.</summary>
    private static ReadOnlySpan<char> Step(TensorEntry tensor) => tensor.Label.AsSpan(tensor.Container.Path.Length);

    private static string Numbers(IReadOnlyList<long> numbers) => $"({string.Join(", ", numbers)})";
}
