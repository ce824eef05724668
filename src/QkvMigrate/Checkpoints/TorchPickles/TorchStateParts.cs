using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// What an optimizer keeps for one parameter: the tensors in it, in dicts, lists, tuples and objects at any depth, and what is
/// like a tensor there and cannot be read.
/// </summary>
internal sealed class TorchStateParts
{
    private readonly List<TensorEntry> tensors = [];
    private readonly List<string> unreadable = [];

    private TorchStateParts()
    {
    }

    /// <summary>A state that is one tensor.</summary>
    public TorchStateParts(TensorEntry tensor) => tensors.Add(tensor);

    /// <summary>The tensors.</summary>
    public IReadOnlyList<TensorEntry> Tensors => tensors;

    /// <summary>The keys of what cannot be read, and what it is.</summary>
    public IReadOnlyList<string> Unreadable => unreadable;

    /// <summary>Takes <paramref name="state"/> apart.</summary>
    /// <param name="state">What the optimizer keeps for a parameter.</param>
    /// <param name="tensorsOf">The tensors that a container holds itself.</param>
    /// <param name="kinds">Tells what other values are.</param>
    /// <param name="budget">Pays: many parameters may share one state.</param>
    public static TorchStateParts Of(PickleNode state, Func<PickleNode, IReadOnlyList<TensorEntry>> tensorsOf, TorchValueKinds kinds, PickleBudget budget)
    {
        var parts = new TorchStateParts();
        if (IsOpaque(state, kinds))
        {
            parts.unreadable.Add(kinds.Describe(state));
            return parts;
        }

        foreach (var container in Within([state], node => kinds.IsTensor(node) || IsOpaque(node, kinds)))
        {
            budget.Spend(container.Offset, PickleBudget.Reference);
            parts.tensors.AddRange(tensorsOf(container));
            parts.unreadable.AddRange(Named(container)
                .Where(part => IsOpaque(part.Node, kinds))
                .Select(part => $"{part.Key} is {kinds.Describe(part.Node)}"));
        }

        return parts;
    }

    /// <summary>The containers at and below <paramref name="roots"/>, each once; nothing is looked for in what <paramref name="isClosed"/> picks.</summary>
    public static IEnumerable<PickleNode> Within(IEnumerable<PickleNode> roots, Func<PickleNode, bool> isClosed)
    {
        var seen = new HashSet<PickleNode>();
        var pending = new Stack<PickleNode>(roots.Reverse());
        while (pending.TryPop(out var node))
        {
            if (node is not PickleContainer || isClosed(node) || !seen.Add(node))
            {
                continue;
            }

            yield return node;
            foreach (var part in TorchValueKinds.Parts(node).Reverse())
            {
                pending.Push(part);
            }
        }
    }

    /// <summary>Whether a value is like a tensor and is neither a strided one nor a container of such.</summary>
    private static bool IsOpaque(PickleNode node, TorchValueKinds kinds) =>
        node is PickleContainer or PicklePersistent && !kinds.IsTensor(node) && kinds.Of(node) is > OtherValueKind.Unknown and not OtherValueKind.Collection;

    private static IEnumerable<(string Key, PickleNode Node)> Named(PickleNode container)
    {
        var (items, entries) = container switch
        {
            PickleTuple tuple => (tuple.Items, []),
            PickleMutable mutable => (mutable.Items, mutable.Entries),
            _ => ((IReadOnlyList<PickleItem>)[], (IReadOnlyList<PickleEntry>)[]),
        };
        return entries.Select(entry => (Key: (entry.Key.Node as PickleString)?.Text ?? "?", entry.Value.Node))
            .Concat(items.Select((item, i) => (Key: i.ToString(), item.Node)));
    }
}
