using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>What stands in place of instructions of the first pickle, each by where it stands there.</summary>
internal class ExpectedInstructions
{
    /// <summary>Texts in place of strings: names, keys of storages.</summary>
    public Dictionary<int, string> Texts { get; } = [];

    /// <summary>Ints in place of ints: a storage's count of elements or its key, a tensor's offset, sizes and strides.</summary>
    public Dictionary<int, long> Numbers { get; } = [];
}

/// <summary>
/// What makes a tensor once more, where the first pickle fetches it from the memo and the second must not, because only
/// one of its places gets another storage: the instructions that made it, but without any that puts into the memo.
/// </summary>
/// <param name="start">The first instruction of the first pickle.</param>
/// <param name="end">The one behind the last.</param>
internal sealed class ExpectedCopy(int start, int end) : ExpectedInstructions
{
    /// <summary>The first instruction of the first pickle.</summary>
    public int Start { get; } = start;

    /// <summary>The one behind the last.</summary>
    public int End { get; } = end;
}

/// <summary>All that the second file's pickle may have other than the first's, worked out from the first's graph of objects.</summary>
internal sealed class ExpectedPickle : ExpectedInstructions
{
    private readonly PickleReader reader;

    private ExpectedPickle(PickleScript pickle, ExpectedChanges changes)
    {
        reader = new PickleReader(pickle.Bytes);
        foreach (var (at, text) in changes.Renames)
        {
            Texts[at] = text;
        }
    }

    /// <summary>Tensors that are made once more where they were fetched.</summary>
    public Dictionary<int, ExpectedCopy> Copies { get; } = [];

    /// <summary>Works it out.</summary>
    /// <param name="pickle">The first file's pickle.</param>
    /// <param name="original">The first file.</param>
    /// <param name="changes">What may differ.</param>
    /// <param name="log">Takes what cannot be told.</param>
    public static ExpectedPickle Of(PickleScript pickle, Checkpoint original, ExpectedChanges changes, DifferenceLog log)
    {
        DoubleKeys.Find(pickle, changes.Renames, log);
        var expected = new ExpectedPickle(pickle, changes);
        if (original.Tensors.All(tensor => changes.After(tensor) == tensor))
        {
            return expected;
        }

        // The same pickle has the same tensors in the same order; this reading tells where their numbers stand.
        var read = new TorchWalk(pickle.Read(), key => new StorageEntry(original.Source, key, 0, long.MaxValue));
        var places = original.Tensors.Zip(read.Uses, (tensor, use) => new Place(tensor, changes.After(tensor), use));
        foreach (var group in places.GroupBy(place => place.Use.Tensor.Persistent))
        {
            expected.Add([.. group], log);
        }

        return expected;
    }

    /// <summary>The places of one tensor: it is made at the first of them, and fetched at the others.</summary>
    private void Add(List<Place> places, DifferenceLog log)
    {
        if (places.TrueForAll(place => place.After == place.Before))
        {
            return;
        }

        var first = places.Find(place => place.Use.Value.At == place.Use.Value.Node.Offset) ?? places[0];
        Write(this, first.After, first.Use.Tensor);
        foreach (var place in places.Where(place => !place.HasTheNumbersOf(first)))
        {
            // Otherwise it is wrapped in several objects, or is made in a way that no pickler has: which of its bytes must differ is not known.
            if (place.Use.Value.Node != first.Use.Value.Node
                || first.Use.Value is not { Node: PickleObject { State: null, Start: >= 0 } made, At: var at }
                || at != made.Offset)
            {
                log.Add($"tensor '{place.Before.Label}'", $"it is one object with '{first.Before.Label}', and how it is told from that is not known");
                continue;
            }

            var copy = new ExpectedCopy(made.Start, reader.Read(made.Offset).End);
            Write(copy, place.After, first.Use.Tensor);
            Copies.Add(place.Use.Value.At, copy);
        }
    }

    private static void Write(ExpectedInstructions expected, TensorEntry after, TorchTensor before)
    {
        var key = ((PickleTuple)before.Persistent.Id.Node).Items[TorchStorages.KeyIndex];
        if (key.Node is PickleInteger)
        {
            expected.Numbers[key.At] = long.Parse(after.Storage.Key);
        }
        else
        {
            expected.Texts[key.At] = after.Storage.Key;
        }

        var places = before.Places;
        expected.Numbers[places.Count.At] = after.Storage.Key == before.Storage.Entry.Key && after.Storage.Length == before.Storage.Entry.Length
            ? before.Storage.ElementCount
            : after.Storage.Length / before.Storage.DType.ItemSize;
        expected.Numbers[places.Offset.At] = after.StorageOffset;
        for (var i = 0; i < after.Shape.Count; i++)
        {
            expected.Numbers[places.Shape[i].At] = after.Shape[i];
            expected.Numbers[places.Strides[i].At] = after.Strides[i];
        }
    }

    /// <summary>A place of a tensor.</summary>
    /// <param name="Before">The tensor in the first file.</param>
    /// <param name="After">The same as the second must describe it.</param>
    /// <param name="Use">Where it stands in the first pickle.</param>
    private sealed record Place(TensorEntry Before, TensorEntry After, TorchTensorUse Use)
    {
        /// <summary>Whether both places can have one object in the second file.</summary>
        public bool HasTheNumbersOf(Place other) =>
            After.Storage.Key == other.After.Storage.Key
            && After.Storage.Length == other.After.Storage.Length
            && After.StorageOffset == other.After.StorageOffset
            && After.Shape.SequenceEqual(other.After.Shape)
            && After.Strides.SequenceEqual(other.After.Strides);
    }
}
