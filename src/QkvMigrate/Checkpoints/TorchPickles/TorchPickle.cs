using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// The tensors of a pickle that PyTorch wrote: what stands in dicts, lists, tuples and the states of objects, at any
/// depth. The values of the pickle are let go once these are found; the few edits that ask for more of them than names
/// read it again.
/// </summary>
internal sealed class TorchPickle
{
    private readonly Func<string, StorageEntry?> findStorage;

    /// <summary>Finds the tensors of <paramref name="document"/>; <paramref name="findStorage"/> finds the bytes of a storage by its key.</summary>
    /// <exception cref="MigrationException">A tensor or a storage in it is none, or reaches out of its bytes.</exception>
    public TorchPickle(PickleDocument document, Func<string, StorageEntry?> findStorage)
    {
        this.findStorage = findStorage;
        Script = document.Script;
        var walk = new TorchWalk(document, findStorage);
        OpaqueStorages = walk.OpaqueStorages();
        OtherValues = walk.OtherValues;
        Tensors = walk.Tensors;
        Storages = walk.Storages;
        Optimizers = [.. walk.Optimizers.Select(optimizer => optimizer.Entry)];
    }

    /// <summary>The tensors, container by container.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>Every storage that the pickle names.</summary>
    public IReadOnlyCollection<StorageEntry> Storages { get; }

    /// <summary>Storages that are named by something else than <see cref="Tensors"/>.</summary>
    public IReadOnlySet<StorageEntry> OpaqueStorages { get; }

    /// <summary>What stands where a tensor could.</summary>
    public IReadOnlyList<OtherValue> OtherValues { get; }

    /// <summary>The state dicts of optimizers.</summary>
    public IReadOnlyList<OptimizerEntry> Optimizers { get; }

    /// <summary>The pickle.</summary>
    public PickleScript Script { get; }

    /// <summary>What the pickle names outside of itself; reports call it <paramref name="where"/>.</summary>
    public IReadOnlyList<GlobalUse> Globals(string where) => PicklePolicy.Examine(Script, where);

    /// <summary>The pickle with names and the places of tensors changed, or null where none is.</summary>
    /// <exception cref="MigrationException">A new name is already a key beside the old one.</exception>
    public byte[]? Edit(IReadOnlyDictionary<int, string> renames, IReadOnlyList<StorageReplacement> replacements, IReadOnlyList<KeyedSplit> splits)
    {
        TorchKeyCheck.Check(Script, renames);
        if (replacements.Count + splits.Count == 0)
        {
            // As nearly everywhere: names alone change, and no more of the pickle need be known.
            return Edited(PickleRename.Plan(Script, renames));
        }

        var places = TorchPlaces.Of(Tensors, new TorchWalk(Script.Read(), findStorage));
        var moved = TorchSplits.Plan(Script, places, splits);
        var edits = PickleRename.Plan(Script, renames.Concat(moved.Renames).ToDictionary());
        var numbers = TorchNumberEdits.Plan(replacements, places);
        edits.AddRange(TorchNumberEdits.Write(Script, numbers.Concat(moved.Numbers).ToDictionary()));
        edits.AddRange(moved.Copies);
        var edited = Edited(edits);
        TorchStorageCheck.Check(edited!, Tensors, replacements, splits);
        return edited;

        byte[]? Edited(List<PickleEdit> edits) => edits.Count == 0 ? null : PickleEditor.Apply(Script, edits);
    }

    /// <summary>The storages that all of their tensors leave.</summary>
    public IReadOnlySet<StorageEntry> Abandoned(IReadOnlyList<StorageSplit> splits)
    {
        if (splits.Count == 0)
        {
            return new HashSet<StorageEntry>();
        }

        var leaving = splits.SelectMany(split => split.Tensors).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var stillUsed = Tensors.Where(tensor => !leaving.Contains(tensor)).Select(tensor => tensor.Storage).Concat(OpaqueStorages);
        return leaving.Select(tensor => tensor.Storage).Except(stillUsed).ToHashSet();
    }

    /// <summary>The pickle without the dict entries of some optimizers and tensors.</summary>
    /// <exception cref="MigrationException">One of them is no dict entry's value, or is used elsewhere, too.</exception>
    public PickleDocument Without(IReadOnlyList<OptimizerEntry> goneOptimizers, IReadOnlyList<TensorEntry> goneTensors)
    {
        var document = Script.Read();
        var walk = new TorchWalk(document, findStorage);
        var dictionaries = walk.Dictionaries.ToList();
        var wanted = new HashSet<OptimizerEntry>(goneOptimizers, ReferenceEqualityComparer.Instance);
        var gone = Optimizers
            .Zip(walk.Optimizers, (optimizer, again) => (Entry: optimizer, Node: (PickleNode)again.Node))
            .Where(optimizer => wanted.Contains(optimizer.Entry))
            .ToList();
        var nodes = gone.Select(optimizer => optimizer.Node).ToHashSet();
        var keys = goneTensors.Select(tensor => tensor.Name?.Id ?? throw CannotLeave($"tensor '{tensor.Label}'")).ToHashSet();
        foreach (var (optimizer, state) in gone)
        {
            if (!dictionaries.Exists(dictionary => dictionary.Entries.Any(entry => IsGone(entry) && Holds(entry.Value.Node, state))))
            {
                throw CannotLeave($"optimizer state '{optimizer.Path}'");
            }
        }

        return PickleRemoval.Apply(document, dictionaries, IsGone);

        bool IsGone(PickleEntry entry) => keys.Contains(entry.Key.At) || nodes.Contains(entry.Value.Node) || IsListOfGone(entry.Value.Node);

        // Lightning keeps optimizers in a list, which goes as a whole.
        bool IsListOfGone(PickleNode value) => value is PickleList { Items: { Count: > 0 } items } && items.All(item => nodes.Contains(item.Node));

        static bool Holds(PickleNode value, PickleNode node) => value == node || (value is PickleList list && list.Items.Any(item => item.Node == node));
    }

    private static MigrationException CannotLeave(string where) =>
        new(FailureKind.Unsupported, "it is no value of a dict, so that it cannot be taken out", where: where);
}
