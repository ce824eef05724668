using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>A split, and the key of the new storage.</summary>
internal sealed record KeyedSplit(StorageSplit Split, string Key);

/// <summary>
/// Has tensors of a pickle name another storage. One object under several names is written once and fetched from the
/// memo afterwards: where only some of its uses change, the others are written out as a copy of their own.
/// </summary>
internal sealed class TorchSplits
{
    private readonly PickleScript script;
    private readonly PickleReader reader;
    private readonly TorchPlaces places;
    private readonly ILookup<PicklePersistent, (TensorEntry Tensor, TorchTensorUse Use)> uses;

    private TorchSplits(PickleScript script, TorchPlaces places)
    {
        this.script = script;
        this.places = places;
        reader = new PickleReader(script.Bytes);
        uses = places.Uses.ToLookup(place => place.Value.Tensor.Persistent, place => (place.Key, place.Value));
    }

    /// <summary>New texts of storage keys, by the instruction that pushes them.</summary>
    public Dictionary<int, string> Renames { get; } = [];

    /// <summary>New numbers of storages and tensors, by the instruction that pushes them.</summary>
    public Dictionary<int, long> Numbers { get; } = [];

    /// <summary>Copies in the place of fetches.</summary>
    public List<PickleEdit> Copies { get; } = [];

    /// <summary>Plans the edits.</summary>
    /// <param name="script">The pickle.</param>
    /// <param name="places">Where its tensors stand.</param>
    /// <param name="splits">The tensors that get another storage.</param>
    /// <exception cref="MigrationException">A tensor stands where it cannot be copied.</exception>
    public static TorchSplits Plan(PickleScript script, TorchPlaces places, IReadOnlyList<KeyedSplit> splits)
    {
        // Replacements alone need no table of the uses of all tensors.
        var plan = new TorchSplits(script, splits.Count == 0 ? TorchPlaces.None : places);
        foreach (var split in splits)
        {
            plan.Add(split);
        }

        return plan;
    }

    private void Add(KeyedSplit split)
    {
        var moving = new HashSet<TensorEntry>(split.Split.Tensors, ReferenceEqualityComparer.Instance);
        foreach (var persistent in moving.Select(tensor => places.Uses[tensor].Tensor.Persistent).Distinct().Select(id => uses[id].ToList()))
        {
            var written = persistent.Find(use => use.Use.Value.At == use.Use.Value.Node.Offset);
            if (persistent.TrueForAll(use => moving.Contains(use.Tensor)))
            {
                Change(persistent[0].Use.Tensor, split);
                continue;
            }

            if (written.Tensor is null || persistent.Exists(use => use.Use.Value.Node != written.Use.Value.Node))
            {
                throw CannotCopy(split.Split.View);
            }

            var isWrittenMoving = moving.Contains(written.Tensor);
            if (isWrittenMoving)
            {
                Change(written.Use.Tensor, split);
            }

            foreach (var (tensor, use) in persistent.Where(use => moving.Contains(use.Tensor) != isWrittenMoving))
            {
                Copies.Add(Copy(written.Use, use.Value.At, isWrittenMoving ? null : split) ?? throw CannotCopy(tensor));
            }
        }
    }

    private void Change(TorchTensor tensor, KeyedSplit split)
    {
        var id = StorageId(tensor);
        if (id[TorchStorages.KeyIndex].Node is PickleString)
        {
            Renames[id[TorchStorages.KeyIndex].At] = split.Key;
        }
        else
        {
            Numbers[id[TorchStorages.KeyIndex].At] = long.Parse(split.Key);
        }

        Numbers[id[TorchStorages.CountIndex].At] = Count(tensor, split);
        Numbers[tensor.Places.Offset.At] = 0;
    }

    /// <summary>The value of <paramref name="written"/> once more at <paramref name="at"/>: as it is, or with its new storage.</summary>
    private PickleEdit? Copy(TorchTensorUse written, int at, KeyedSplit? split)
    {
        if (written.Value.Node is not PickleObject { State: null, Start: >= 0 } value)
        {
            return null;
        }

        var id = StorageId(written.Tensor);
        var text = split?.Key ?? written.Tensor.Storage.Entry.Key;
        var edits = new Dictionary<int, byte[]>
        {
            // Always written out: the memo may hold another key after the edit.
            [id[TorchStorages.KeyIndex].At] = id[TorchStorages.KeyIndex].Node is PickleString literal
                ? PickleText.Encode(reader.Read(literal.Offset).Opcode, reader.Read(literal.Offset).ArgumentLength, script.Protocol, text)
                : PickleNumbers.Encode(script.Protocol, long.Parse(text)),
        };
        if (split is not null)
        {
            edits[id[TorchStorages.CountIndex].At] = PickleNumbers.Encode(script.Protocol, Count(written.Tensor, split));
            edits[written.Tensor.Places.Offset.At] = PickleNumbers.Encode(script.Protocol, 0);
        }

        var fetch = reader.Read(at);
        return new PickleEdit(at, fetch.End - at, PickleCopy.Of(script, value.Start, reader.Read(value.Offset).End, edits));
    }

    private static PickleItem[] StorageId(TorchTensor tensor) => ((PickleTuple)tensor.Persistent.Id.Node).Items;

    private static long Count(TorchTensor tensor, KeyedSplit split) => split.Split.View.Extent / tensor.Storage.DType.ItemSize;

    private static MigrationException CannotCopy(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        "it is one object with a tensor that must not move with it, and stands where no copy of it can",
        where: $"tensor '{tensor.Label}'");
}
