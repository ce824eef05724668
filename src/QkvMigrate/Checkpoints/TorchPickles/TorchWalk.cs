using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Finds the tensors of a pickle that PyTorch wrote, by walking the graph of its nodes once.</summary>
internal sealed class TorchWalk
{
    private const string Metadata = "_metadata";

    private readonly PickleDocument document;
    private readonly TorchStorages storages;
    private readonly TorchValueKinds kinds;
    private readonly List<TensorEntry> tensors = [];
    private readonly List<TorchTensorUse> uses = [];
    private readonly List<(OtherValue Value, PickleNode Holder, PickleNode Node)> others = [];
    private readonly Dictionary<PickleNode, (int First, int Count)> byContainer = [];
    private readonly List<(PickleMutable Node, PicklePath Path)> dictionaries = [];
    private readonly List<(OptimizerEntry Entry, PickleMutable Node)> optimizers = [];
    private readonly HashSet<PickleNode> seen = [];
    private readonly Stack<(PickleNode Node, PicklePath Path)> pending = new();
    private TensorEntry[]? all;

    /// <summary>Walks through <paramref name="document"/>; <paramref name="findStorage"/> finds the bytes of a storage by its key.</summary>
    /// <exception cref="MigrationException">A tensor or a storage in it is none, or reaches out of its bytes.</exception>
    public TorchWalk(PickleDocument document, Func<string, StorageEntry?> findStorage)
    {
        this.document = document;
        storages = new TorchStorages(findStorage);
        kinds = new TorchValueKinds(storages, document.Budget);
        pending.Push((document.Root.Node, PicklePath.Root));
        while (pending.TryPop(out var step))
        {
            Visit(step.Node, step.Path);
        }

        foreach (var (node, path) in dictionaries)
        {
            if (TorchOptimizers.Read(node, path, TensorsOf, kinds, document.Budget) is { } optimizer)
            {
                optimizers.Add((optimizer, node));
            }
        }

        // What an optimizer keeps for a parameter stands under the parameter's name.
        var states = optimizers.Select(optimizer => TorchOptimizers.States(optimizer.Node)).ToHashSet();
        OtherValues = [.. others.Where(other => !(states.Contains(other.Holder) && other.Node is PickleMutable)).Select(other => other.Value)];
    }

    /// <summary>The tensors, container by container.</summary>
    public IReadOnlyList<TensorEntry> Tensors => tensors;

    /// <summary>Where each of <see cref="Tensors"/> stands, in their order.</summary>
    public IReadOnlyList<TorchTensorUse> Uses => uses;

    /// <summary>What stands where a tensor could (<see cref="OtherValue"/>), in the order of the walk.</summary>
    public IReadOnlyList<OtherValue> OtherValues { get; }

    /// <summary>The state dicts of optimizers, and the dicts that they are.</summary>
    public IReadOnlyList<(OptimizerEntry Entry, PickleMutable Node)> Optimizers => optimizers;

    /// <summary>What takes keys and values.</summary>
    public IEnumerable<PickleMutable> Dictionaries => dictionaries.Select(dictionary => dictionary.Node);

    /// <summary>Every storage that the pickle names, tensors' first.</summary>
    public IReadOnlyCollection<StorageEntry> Storages => storages.Entries;

    /// <summary>Every place where a storage is named.</summary>
    public IEnumerable<(PicklePersistent Persistent, TorchStorage Storage)> StorageUses =>
        document.Persistents.Select(persistent => (persistent, storages.Read(persistent)));

    /// <summary>The storages that are named by something else than <see cref="Tensors"/>.</summary>
    public IReadOnlySet<StorageEntry> OpaqueStorages()
    {
        var known = uses.Select(use => use.Tensor.Persistent).ToHashSet();
        return document.Persistents.Where(persistent => !known.Contains(persistent)).Select(persistent => storages.Read(persistent).Entry).ToHashSet();
    }

    /// <summary>A window and no copy: one dict may be the state of many parameters.</summary>
    private IReadOnlyList<TensorEntry> TensorsOf(PickleNode container)
    {
        var (first, count) = byContainer.GetValueOrDefault(container);
        return new ArraySegment<TensorEntry>(all ??= [.. tensors], first, count);
    }

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
                    Child(container, node, path, entry.Key, entry.Value, KeyText, children);
                }

                Items(container, node, path, mutable.Items, children);
                if (tensors.Count > first)
                {
                    byContainer.Add(mutable, (first, tensors.Count - first));
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
                Items(new Lazy<ContainerEntry>(() => new ContainerEntry(path.Write(node.Offset), [])), node, path, tuple.Items, children);
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

    private void Items(Lazy<ContainerEntry> container, PickleNode holder, PicklePath path, IReadOnlyList<PickleItem> items, List<(PickleNode Node, PicklePath Path)> children)
    {
        for (var i = 0; i < items.Count; i++)
        {
            var index = i;
            Child(container, holder, path, null, items[i], _ => index.ToString(), children);
        }
    }

    private void Child(Lazy<ContainerEntry> container, PickleNode holder, PicklePath path, PickleItem? key, PickleItem value, Func<PickleNode?, string> step, List<(PickleNode Node, PicklePath Path)> children)
    {
        var node = value.Node;
        if (TorchTensor.Read(node, storages, kinds) is { } tensor)
        {
            var name = key is { Node: PickleString text } item ? new NameEntry(item.At, text.Text, NameRole.TensorKey) : null;
            var label = path.Then(step(key?.Node), node.Offset).Write(node.Offset);
            document.Budget.Spend(node.Offset, PickleBudget.Tensor(tensor.Shape.Count) + PickleBudget.Text(label));
            var entry = new TensorEntry(container.Value, name, label, tensor.DType, tensor.Shape, tensor.Strides, tensor.Storage.Entry, tensor.Offset) { Peculiarity = tensor.Peculiarity };
            tensors.Add(entry);
            uses.Add(new TorchTensorUse(tensor, key, value));
        }
        else
        {
            Note(container, holder, path, key?.Node, node, step);
            if (node is PickleMutable or PickleTuple)
            {
                document.Budget.Spend(node.Offset, PickleBudget.Slot);
                children.Add((node, path.Then(step(key?.Node), node.Offset)));
            }
        }
    }

    /// <summary>Takes note of a value that is no tensor, where its key speaks of attention; below such a key, where it is like a tensor.</summary>
    private void Note(Lazy<ContainerEntry> container, PickleNode holder, PicklePath path, PickleNode? key, PickleNode node, Func<PickleNode?, string> step)
    {
        var isNamed = key is PickleString text && AttentionKeys.Speaks(text.Text) && !path.IsAt(Metadata);
        if (!isNamed && !(path.SpeaksOfAttention && node is PickleObject or PicklePersistent))
        {
            return;
        }

        var kind = kinds.Of(node);
        if (!isNamed && kind is <= OtherValueKind.Unknown or OtherValueKind.Collection)
        {
            return;
        }

        var value = new OtherValue(container.Value, step(key), kind, kinds.Describe(node));
        document.Budget.Spend(node.Offset, PickleBudget.Other + PickleBudget.Text(value.Description));
        others.Add((value, holder, node));
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
