using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Reads optimizer state dicts: dicts with <c>state</c> and <c>param_groups</c> (torch/optim/optimizer.py, <c>state_dict</c>).</summary>
internal static class TorchOptimizers
{
    /// <summary>Reads <paramref name="node"/> where it is one; null where it is none.</summary>
    /// <param name="node">A dict.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="tensorsOf">The tensors that a dict holds.</param>
    /// <param name="kinds">Tells what other values are.</param>
    /// <param name="budget">Pays: one dict can be the state of any number of parameters, and of optimizers.</param>
    /// <exception cref="MigrationException">A parameter is neither a number nor a name, or there are more than the budget pays for.</exception>
    public static OptimizerEntry? Read(
        PickleMutable node, PicklePath path, Func<PickleNode, IReadOnlyList<TensorEntry>> tensorsOf, TorchValueKinds kinds, PickleBudget budget)
    {
        if (Value(node, "state") is not PickleMutable states || Value(node, "param_groups") is not PickleMutable { Items.Count: > 0 } groups)
        {
            return null;
        }

        var names = new Dictionary<string, List<NameEntry>>();
        var order = new List<string>();
        foreach (var group in groups.Items.Select(item => item.Node).OfType<PickleMutable>())
        {
            budget.Spend(node.Offset, PickleBudget.Reference);
            foreach (var parameter in (Value(group, "params") as PickleMutable)?.Items ?? [])
            {
                budget.Spend(node.Offset, PickleBudget.Parameter);
                order.Add(Name(parameter, names));
            }
        }

        var kept = new Dictionary<string, (IReadOnlyList<TensorEntry> Tensors, IReadOnlyList<string> Unreadable)>();
        foreach (var entry in states.Entries)
        {
            var tensors = entry.Value.Node is PickleMutable state ? tensorsOf(state) : [];
            budget.Spend(node.Offset, PickleBudget.Parameter + ((long)PickleBudget.Reference * tensors.Count));
            kept[Name(entry.Key, names)] = (tensors, Unreadable(entry.Value.Node, kinds));
        }

        return new OptimizerEntry(path.Write(node.Offset), [.. order.Union(kept.Keys).Select(id => kept.TryGetValue(id, out var state)
            ? new OptimizerParameter(id, names[id], state.Tensors) { Unreadable = state.Unreadable }
            : new OptimizerParameter(id, names[id], []))]);
    }

    /// <summary>The dict of what the optimizer keeps by its parameters, and what it keeps for each.</summary>
    public static IEnumerable<PickleNode> StateDicts(PickleMutable optimizer) =>
        Value(optimizer, "state") is PickleMutable states ? [states, .. states.Entries.Select(entry => entry.Value.Node).OfType<PickleMutable>()] : [];

    /// <summary>The keys of what is like a tensor in a parameter's state and cannot be read.</summary>
    private static IReadOnlyList<string> Unreadable(PickleNode state, TorchValueKinds kinds)
    {
        if (state is not PickleMutable { Entries: var entries, Items: var items } || entries.Count + items.Count == 0)
        {
            return kinds.Of(state) > OtherValueKind.Unknown ? [kinds.Describe(state)] : [];
        }

        var named = entries.Select(entry => (Key: (entry.Key.Node as PickleString)?.Text ?? "?", entry.Value.Node));
        var numbered = items.Select((item, i) => (Key: i.ToString(), item.Node));
        return [.. named.Concat(numbered)
            .Where(part => part.Node is PickleContainer && !kinds.IsTensor(part.Node) && kinds.Of(part.Node) > OtherValueKind.Unknown)
            .Select(part => $"{part.Key} is {kinds.Describe(part.Node)}")];
    }

    private static string Name(PickleItem item, Dictionary<string, List<NameEntry>> names)
    {
        var id = item.Node switch
        {
            PickleString text => text.Text,
            PickleInteger number => number.Value.ToString(),
            _ => throw PickleFailure.At(item.At, "a parameter of an optimizer that is neither a number nor a name"),
        };
        if (!names.TryGetValue(id, out var places))
        {
            names.Add(id, places = []);
        }

        if (item.Node is PickleString)
        {
            places.Add(new NameEntry(item.At, id, NameRole.ParameterName));
        }

        return id;
    }

    private static PickleNode? Value(PickleMutable dictionary, string key) =>
        dictionary.Entries.LastOrDefault(entry => entry.Key.Node is PickleString text && text.Text == key).Value.Node;
}
