using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// The tensors of a pickle that PyTorch wrote: what stands in dicts, lists, tuples and the states of objects, at any
/// depth, found by walking the graph of nodes once.
/// </summary>
internal sealed class TorchPickle
{
    private const string Metadata = "_metadata";

    private readonly PickleDocument document;
    private readonly TorchStorages storages;
    private readonly List<TensorEntry> tensors = [];
    private readonly Dictionary<PickleNode, List<TensorEntry>> byContainer = [];
    private readonly List<(PickleMutable Node, PicklePath Path)> dictionaries = [];
    private readonly HashSet<PickleNode> seen = [];
    private readonly HashSet<PicklePersistent> known = [];
    private readonly Dictionary<TensorEntry, TorchTensorUse> places = new(ReferenceEqualityComparer.Instance);
    private readonly Stack<(PickleNode Node, PicklePath Path)> pending = new();
    private readonly Dictionary<OptimizerEntry, PickleMutable> optimizers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Finds the tensors of <paramref name="document"/>; <paramref name="findStorage"/> finds the bytes of a storage by its key.</summary>
    public TorchPickle(PickleDocument document, Func<string, StorageEntry?> findStorage)
    {
        this.document = document;
        storages = new TorchStorages(findStorage);
        pending.Push((document.Root.Node, PicklePath.Root));
        while (pending.TryPop(out var step))
        {
            Visit(step.Node, step.Path);
        }

        foreach (var (node, path) in dictionaries)
        {
            if (TorchOptimizers.Read(node, path, state => byContainer.GetValueOrDefault(state, [])) is { } optimizer)
            {
                optimizers.Add(optimizer, node);
            }
        }

        OpaqueStorages = document.Persistents.Where(persistent => !known.Contains(persistent))
            .Select(persistent => storages.Read(persistent).Entry).ToHashSet();
    }

    /// <summary>The tensors, container by container.</summary>
    public IReadOnlyList<TensorEntry> Tensors => tensors;

    /// <summary>Every storage that the pickle names.</summary>
    public IReadOnlyCollection<StorageEntry> Storages => storages.Entries;

    /// <summary>Storages that are named by something else than <see cref="Tensors"/>.</summary>
    public IReadOnlySet<StorageEntry> OpaqueStorages { get; }

    /// <summary>The state dicts of optimizers.</summary>
    public IReadOnlyList<OptimizerEntry> Optimizers => [.. optimizers.Keys];

    /// <summary>The pickle.</summary>
    public PickleDocument Document => document;

    /// <summary>Where the numbers of one of <see cref="Tensors"/> stand.</summary>
    public TorchTensorPlaces PlacesOf(TensorEntry tensor) => places[tensor].Tensor.Places;

    /// <summary>What the pickle names outside of itself; reports call it <paramref name="where"/>.</summary>
    public IReadOnlyList<GlobalUse> Globals(string where) => PicklePolicy.Examine(document, where);

    /// <summary>The pickle with names and the places of tensors changed, or null where none is.</summary>
    public byte[]? Edit(IReadOnlyDictionary<NameEntry, string> renames, IReadOnlyList<StorageReplacement> replacements, IReadOnlyList<KeyedSplit> splits)
    {
        var moved = TorchSplits.Plan(document, places, splits);
        var edits = PickleRename.Plan(document, renames.Select(rename => KeyValuePair.Create(rename.Key.Id, rename.Value)).Concat(moved.Renames).ToDictionary());
        var numbers = TorchNumberEdits.Plan(document, replacements, places, persistent => storages.Read(persistent));
        edits.AddRange(TorchNumberEdits.Write(document, numbers.Concat(moved.Numbers).ToDictionary()));
        edits.AddRange(moved.Copies);
        var edited = edits.Count == 0 ? null : PickleEditor.Apply(document, edits);
        if (replacements.Count + splits.Count > 0)
        {
            TorchStorageCheck.Check(edited!, tensors, replacements, splits);
        }

        return edited;
    }

    /// <summary>The pickle without the dict entries of some optimizers and tensors.</summary>
    /// <exception cref="MigrationException">One of them is no dict entry's value, or is used elsewhere, too.</exception>
    public PickleDocument Without(IReadOnlyList<OptimizerEntry> goneOptimizers, IReadOnlyList<TensorEntry> goneTensors)
    {
        var nodes = goneOptimizers.Select(optimizer => (PickleNode)optimizers[optimizer]).ToHashSet();
        var keys = goneTensors.Select(tensor => tensor.Name?.Id ?? throw CannotLeave($"tensor '{tensor.Label}'")).ToHashSet();
        foreach (var optimizer in goneOptimizers)
        {
            if (!dictionaries.Exists(step => step.Node.Entries.Any(entry => IsGone(entry) && Holds(entry.Value.Node, optimizers[optimizer]))))
            {
                throw CannotLeave($"optimizer state '{optimizer.Path}'");
            }
        }

        return PickleRemoval.Apply(document, dictionaries.Select(step => step.Node), IsGone);

        // Lightning keeps optimizers in a list, which goes as a whole.
        bool IsGone(PickleEntry entry) =>
            keys.Contains(entry.Key.At) || nodes.Contains(entry.Value.Node) || (entry.Value.Node is PickleList { Items: { Count: > 0 } items } && items.All(item => nodes.Contains(item.Node)));

        static bool Holds(PickleNode value, PickleNode node) => value == node || (value is PickleList list && list.Items.Any(item => item.Node == node));
    }

    private static MigrationException CannotLeave(string where) =>
        new(FailureKind.Unsupported, "it is no value of a dict, so that it cannot be taken out", where: where);

    private void Visit(PickleNode node, PicklePath path)
    {
        if (!seen.Add(node))
        {
            return;
        }

        document.Budget.Spend(node.Offset, PickleBudget.Slot);
        var children = new List<(PickleNode, PicklePath)>();
        switch (node)
        {
            case PickleMutable mutable:
                var container = new Lazy<ContainerEntry>(() => Container(mutable, path));
                var first = tensors.Count;
                dictionaries.Add((mutable, path));
                foreach (var entry in mutable.Entries)
                {
                    Child(container, path, entry.Key, entry.Value, KeyText, children);
                }

                Items(container, path, mutable.Items, children);
                if (tensors.Count > first)
                {
                    byContainer.Add(mutable, tensors[first..]);
                }

                if (mutable.State is { } state)
                {
                    children.Add((state.Node, path.Then("(state)", node.Offset)));
                }

                if (mutable is PickleObject call)
                {
                    children.Add((call.Arguments, path.Then("(arguments)", node.Offset)));
                }

                break;
            case PickleTuple tuple:
                Items(new Lazy<ContainerEntry>(() => new ContainerEntry(path.Write(node.Offset), [])), path, tuple.Items, children);
                break;
        }

        // A stack gives back the last first: pushed in reverse, containers are visited in the order of the file.
        for (var i = children.Count - 1; i >= 0; i--)
        {
            pending.Push(children[i]);
        }
    }

    private ContainerEntry Container(PickleMutable node, PicklePath path)
    {
        var container = new ContainerEntry(path.Write(node.Offset), ModulePaths(node));
        document.Budget.Spend(node.Offset, PickleBudget.Text(container.Path) + ((long)PickleBudget.Entry * container.ModulePaths.Count));
        return container;
    }

    private void Items(Lazy<ContainerEntry> container, PicklePath path, IReadOnlyList<PickleItem> items, List<(PickleNode Node, PicklePath Path)> children)
    {
        for (var i = 0; i < items.Count; i++)
        {
            var index = i;
            Child(container, path, null, items[i], _ => index.ToString(), children);
        }
    }

    private void Child(Lazy<ContainerEntry> container, PicklePath path, PickleItem? key, PickleItem value, Func<PickleNode?, string> step, List<(PickleNode Node, PicklePath Path)> children)
    {
        var node = value.Node;
        if (TorchTensor.Read(node, storages) is { } tensor)
        {
            known.Add(tensor.Persistent);
            var name = key is { Node: PickleString text } item ? new NameEntry(item.At, text.Text, NameRole.TensorKey) : null;
            var label = path.Then(step(key?.Node), node.Offset).Write(node.Offset);
            document.Budget.Spend(node.Offset, PickleBudget.Tensor(tensor.Shape.Count) + PickleBudget.Text(label));
            var entry = new TensorEntry(container.Value, name, label, tensor.DType, tensor.Shape, tensor.Strides, tensor.Storage.Entry, tensor.Offset);
            tensors.Add(entry);
            places.Add(entry, new TorchTensorUse(tensor, key, value));
        }
        else if (node is PickleMutable or PickleTuple)
        {
            document.Budget.Spend(node.Offset, PickleBudget.Slot);
            children.Add((node, path.Then(step(key?.Node), node.Offset)));
        }
    }

    /// <summary>
    /// The keys of <c>_metadata</c>, which <c>Module.state_dict</c> hangs on its OrderedDict as an attribute
    /// (torch/nn/modules/module.py) and the pickle carries in the dict's state.
    /// </summary>
    private static IReadOnlyList<NameEntry> ModulePaths(PickleMutable container)
    {
        if (container.State?.Node is not PickleDict { Entries: var attributes })
        {
            return [];
        }

        return [.. attributes
            .Where(attribute => attribute.Key.Node is PickleString { Text: Metadata } && attribute.Value.Node is PickleMutable)
            .SelectMany(attribute => ((PickleMutable)attribute.Value.Node).Entries)
            .Where(entry => entry.Key.Node is PickleString)
            .Select(entry => new NameEntry(entry.Key.At, ((PickleString)entry.Key.Node).Text, NameRole.ModulePath))];
    }

    private static string KeyText(PickleNode? key) => key switch
    {
        PickleString text => text.Text,
        PickleInteger number => number.Value.ToString(),
        _ => "?",
    };
}
