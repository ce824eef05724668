using System.Text;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Finds the tensors of a pickle that PyTorch wrote, by walking the graph of its nodes once.</summary>
internal sealed class TorchWalk
{
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
    private readonly Stack<TorchContainer> pending = new();
    private readonly HashSet<PickleNode> measured = [];
    private bool isWithinNumbers;
    private TensorEntry[]? all;

    /// <summary>Walks through <paramref name="document"/>; <paramref name="findStorage"/> finds the bytes of a storage by its key.</summary>
    /// <exception cref="MigrationException">A tensor or a storage in it is none, or reaches out of its bytes.</exception>
    public TorchWalk(PickleDocument document, Func<string, StorageEntry?> findStorage)
    {
        this.document = document;
        storages = new TorchStorages(findStorage);
        kinds = new TorchValueKinds(storages, document.Budget);
        pending.Push(new TorchContainer(document.Root.Node, PicklePath.Root, document.Budget));
        while (pending.TryPop(out var step))
        {
            Visit(step);
        }

        foreach (var (node, path) in dictionaries)
        {
            if (TorchOptimizers.Read(node, path, TensorsOf, kinds, document.Budget) is { } optimizer)
            {
                optimizers.Add((optimizer, node));
            }
        }

        // What an optimizer keeps for a parameter stands under the parameter's name, and is the optimizer's.
        var states = others.Count == 0 ? [] : optimizers.SelectMany(optimizer => TorchOptimizers.StateDicts(optimizer.Node)).ToHashSet();
        OtherValues = [.. others.Where(other => !states.Contains(other.Holder)).Select(other => other.Value)];
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
        var known = new HashSet<PicklePersistent>(uses.Count);
        uses.ForEach(use => known.Add(use.Tensor.Persistent));
        return document.Persistents.Where(persistent => !known.Contains(persistent)).Select(persistent => storages.Read(persistent).Entry).ToHashSet();
    }

    /// <summary>A window and no copy: one dict may be the state of many parameters.</summary>
    private IReadOnlyList<TensorEntry> TensorsOf(PickleNode container)
    {
        var (first, count) = byContainer.GetValueOrDefault(container);
        return new ArraySegment<TensorEntry>(all ??= [.. tensors], first, count);
    }

    private void Visit(TorchContainer container)
    {
        var node = container.Node;
        if (!seen.Add(node))
        {
            return;
        }

        document.Budget.Spend(node.Offset, PickleBudget.Slot);
        isWithinNumbers = TorchPlainNumbers.StartWithNumber(node) && TorchPlainNumbers.SizesOf(node) is not null;
        var children = new List<TorchContainer>();
        var first = tensors.Count;
        switch (node)
        {
            case PickleMutable mutable:
                dictionaries.Add((mutable, container.Path));
                foreach (var entry in mutable.Entries)
                {
                    NoteTensorAsKey(container, entry.Key.Node);
                    Child(container, new Step(entry.Key, 0), entry.Value, children);
                }

                Items(container, mutable.Items, children);
                if (mutable.State is { } state)
                {
                    children.Add(container.Part(state.Node, "(state)"));
                }

                if (mutable is PickleObject call)
                {
                    children.Add(container.Part(call.Arguments, "(arguments)"));
                }

                break;
            case PickleTuple tuple:
                Items(container, tuple.Items, children);
                break;
        }

        if (tensors.Count > first)
        {
            byContainer.Add(node, (first, tensors.Count - first));
        }

        // A stack gives back the last first: pushed in reverse, containers are visited in the order of the file.
        for (var i = children.Count - 1; i >= 0; i--)
        {
            pending.Push(children[i]);
        }
    }

    private void Items(TorchContainer container, IReadOnlyList<PickleItem> items, List<TorchContainer> children)
    {
        for (var i = 0; i < items.Count; i++)
        {
            Child(container, new Step(null, i), items[i], children);
        }
    }

    private void Child(TorchContainer container, in Step step, PickleItem value, List<TorchContainer> children)
    {
        var (key, node) = (step.Key, value.Node);
        if (TorchTensor.Read(node, storages, kinds) is { } tensor)
        {
            var name = key is { Node: PickleString text } item ? new NameEntry(item.At, text.Text, NameRole.TensorKey) : null;
            var label = container.Path.Write(step.Text, node.Offset);
            document.Budget.Spend(node.Offset, PickleBudget.Tensor(tensor.Shape.Count) + PickleBudget.Text(label));
            tensors.Add(new TensorEntry(container.Entry, name, label, tensor.DType, tensor.Shape, tensor.Strides, tensor.Storage.Entry, tensor.Offset)
            {
                Peculiarity = tensor.Peculiarity,
            });
            uses.Add(new TorchTensorUse(tensor, key, value));
            NoteKey(container, key?.Node, node);
        }
        else
        {
            Note(container, step, node);
            if (node is PickleMutable or PickleTuple)
            {
                document.Budget.Spend(node.Offset, PickleBudget.Slot);
                children.Add(container.Child(node, key, step.Text));
            }
        }
    }

    /// <summary>Takes note of a tensor under a key that is no text and speaks of attention: such a name cannot follow.</summary>
    private void NoteKey(TorchContainer container, PickleNode? key, PickleNode tensor)
    {
        var (text, what) = key switch
        {
            PickleBytes bytes when bytes.Length <= PickleLimits.Path => (Encoding.Latin1.GetString(document.Script.Bytes.Span.Slice(bytes.Start, bytes.Length)), "bytes"),
            PickleTuple { Items.Length: <= PickleLimits.Depth } tuple => (string.Join('.', tuple.Items.Select(item => KeyText(item.Node))), "a tuple"),
            _ => ("", ""),
        };
        if (AttentionKeys.Speaks(text))
        {
            var value = new OtherValue(container.Entry, text, OtherValueKind.Key, $"a tensor under a key that is {what}");
            document.Budget.Spend(tensor.Offset, PickleBudget.Other + PickleBudget.Text(text));
            others.Add((value, container.Node, tensor));
        }
    }

    /// <summary>Takes note of a tensor that is a key itself, as in <c>optimizer.state</c> before it is a state dict: nothing moves it.</summary>
    private void NoteTensorAsKey(TorchContainer container, PickleNode key)
    {
        if (key is PickleObject && TorchTensor.Read(key, storages, kinds) is { } tensor)
        {
            var value = new OtherValue(container.Entry, KeyText(key), OtherValueKind.Key, "a tensor that is a key")
            {
                Sizes = tensor.Shape,
                MayBeFloats = tensor.DType.Name.Contains("float", StringComparison.Ordinal),
            };
            document.Budget.Spend(key.Offset, PickleBudget.Other + PickleBudget.Text(value.Description));
            others.Add((value, container.Node, key));
        }
    }

    /// <summary>
    /// Takes note of a value that is no tensor, where its key speaks of attention; below such a key, where it is like a tensor;
    /// anywhere, where it has sizes or bytes.
    /// </summary>
    private void Note(TorchContainer container, in Step step, PickleNode node)
    {
        var isNamed = step.Key?.Node is PickleString text && AttentionKeys.Speaks(text.Text) && !container.Path.IsAt(TorchContainer.Metadata);
        var isBelow = container.Path.SpeaksOfAttention && node is PickleObject or PicklePersistent;
        var plain = PlainNumbersOf(container, node);
        if (!isNamed && !isBelow && plain is null && node is not PickleObject)
        {
            return;
        }

        var kind = kinds.Of(node);
        var sizes = TorchValueTexts.SizesOf(node, kind) ?? plain?.Sizes;
        var hasNumbers = sizes is not null || plain is not null;
        if (!isNamed && !hasNumbers && (!isBelow || kind is <= OtherValueKind.Unknown or OtherValueKind.Collection))
        {
            return;
        }

        var value = new OtherValue(container.Entry, step.Text, kind, kinds.Describe(node))
        {
            Sizes = sizes,
            Bytes = plain?.Bytes,
            MayBeFloats = plain?.AreFloats ?? TorchValueTexts.MayBeFloats(node, kind),
        };
        document.Budget.Spend(node.Offset, PickleBudget.Other + PickleBudget.Text(value.Description));
        others.Add((value, container.Node, node));
    }

    /// <summary>
    /// What a value holds in numbers without a tensor around them, lists once each; null for nothing. What a known object is made of is the
    /// object's, and rows are their matrix's.
    /// </summary>
    private PlainNumbers? PlainNumbersOf(TorchContainer container, PickleNode node)
    {
        if (isWithinNumbers || (container is { Node: PickleTuple, Owner: { } owner } && IsTold(owner)))
        {
            return null;
        }

        if (TorchPlainNumbers.StartWithNumber(node))
        {
            document.Budget.Spend(node.Offset, PickleBudget.Slot);
            return measured.Add(node) && TorchPlainNumbers.SizesOf(node) is var (sizes, areFloats) ? new PlainNumbers(sizes, null, areFloats) : null;
        }

        return TorchPlainNumbers.BytesOf(node, storages) is { } bytes ? new PlainNumbers(null, bytes, AreFloats: true) : null;
    }

    /// <summary>Whether an object is taken note of itself: an array, a part of a tensor, a bytearray.</summary>
    private bool IsTold(PickleObject owner) =>
        kinds.Of(owner) is > OtherValueKind.Unknown and not OtherValueKind.Collection || TorchPlainNumbers.BytesOf(owner, storages) is not null;

    private static string KeyText(PickleNode key) => key switch
    {
        PickleString text => text.Text,
        PickleInteger number => number.Value.ToString(),
        _ => "?",
    };

    /// <summary>The way from a container to a value in it: a key, or an index where there is none. Most are never written out.</summary>
    private readonly record struct Step(PickleItem? Key, int Index)
    {
        public string Text => Key is { Node: var key } ? KeyText(key) : Index.ToString();
    }

    private sealed record PlainNumbers(IReadOnlyList<long>? Sizes, long? Bytes, bool AreFloats);
}
