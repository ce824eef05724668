using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Reads optimizer state dicts: dicts with <c>state</c> and <c>param_groups</c> (torch/optim/optimizer.py, <c>state_dict</c>).</summary>
internal sealed class TorchOptimizers
{
    private readonly PickleMutable node;
    private readonly Func<PickleNode, IReadOnlyList<TensorEntry>> tensorsOf;
    private readonly TorchValueKinds kinds;
    private readonly PickleBudget budget;
    private readonly Dictionary<string, List<NameEntry>> names = [];
    private readonly Dictionary<string, (NameEntry? Given, int Group)> places = [];
    private readonly List<string> order = [];
    private string? nameProblem;

    private TorchOptimizers(PickleMutable node, Func<PickleNode, IReadOnlyList<TensorEntry>> tensorsOf, TorchValueKinds kinds, PickleBudget budget)
    {
        this.node = node;
        this.tensorsOf = tensorsOf;
        this.kinds = kinds;
        this.budget = budget;
    }

    /// <summary>Reads <paramref name="node"/> where it is one; null where it is none.</summary>
    /// <param name="node">A dict.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="tensorsOf">The tensors that a container holds itself.</param>
    /// <param name="kinds">Tells what other values are.</param>
    /// <param name="budget">Pays: one dict can be the state of any number of parameters, and of optimizers.</param>
    /// <exception cref="MigrationException">A parameter is neither a number nor a name, or there are more than the budget pays for.</exception>
    public static OptimizerEntry? Read(
        PickleMutable node, PicklePath path, Func<PickleNode, IReadOnlyList<TensorEntry>> tensorsOf, TorchValueKinds kinds, PickleBudget budget) =>
        Value(node, "state") is PickleMutable states && Value(node, "param_groups") is PickleMutable { Items.Count: > 0 } groups
            ? new TorchOptimizers(node, tensorsOf, kinds, budget).Read(path, states, groups)
            : null;

    /// <summary>The dict of what the optimizer keeps by its parameters, and all that it keeps for each, at any depth.</summary>
    public static IEnumerable<PickleNode> StateDicts(PickleMutable optimizer) =>
        Value(optimizer, "state") is PickleMutable states
            ? [states, .. TorchStateParts.Within(states.Entries.Select(entry => entry.Value.Node), _ => false)]
            : [];

    private OptimizerEntry Read(PicklePath path, PickleMutable states, PickleMutable groups)
    {
        var ordinal = 0;
        foreach (var group in groups.Items.Select(item => item.Node).OfType<PickleMutable>())
        {
            ReadGroup(group, ordinal++);
        }

        var kept = new Dictionary<string, TorchStateParts>();
        var direct = new Queue<TensorEntry>(tensorsOf(states));
        foreach (var entry in states.Entries)
        {
            var parts = kinds.IsTensor(entry.Value.Node)
                ? new TorchStateParts(direct.Dequeue())
                : TorchStateParts.Of(entry.Value.Node, tensorsOf, kinds, budget);
            budget.Spend(node.Offset, PickleBudget.Parameter + ((long)PickleBudget.Reference * parts.Tensors.Count));
            kept[Name(entry.Key)] = parts;
        }

        return new OptimizerEntry(path.Write(node.Offset), [.. order.Union(kept.Keys).Select(id => Parameter(id, kept.GetValueOrDefault(id)))])
        {
            NameProblem = nameProblem,
        };
    }

    private OptimizerParameter Parameter(string id, TorchStateParts? kept)
    {
        var (given, group) = places.GetValueOrDefault(id, (null, -1));
        return new OptimizerParameter(id, names[id], kept?.Tensors ?? []) { Given = given, Group = group, Unreadable = kept?.Unreadable ?? [] };
    }

    private void ReadGroup(PickleMutable group, int ordinal)
    {
        budget.Spend(node.Offset, PickleBudget.Reference);
        var parameters = Items(Value(group, "params"));
        var given = Items(Value(group, "param_names"));
        if (given.Count > 0 && (given.Count != parameters.Count || given.Any(name => name.Node is not PickleString)))
        {
            nameProblem ??= $"group {ordinal} has {parameters.Count} parameters, and its param_names are {given.Count} values that do not name each";
            given = [];
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            budget.Spend(node.Offset, PickleBudget.Parameter);
            var id = Name(parameters[i]);
            order.Add(id);
            var name = given.Count > 0 ? new NameEntry(given[i].At, ((PickleString)given[i].Node).Text, NameRole.ParameterName) : null;
            if (!places.TryAdd(id, (name, ordinal)))
            {
                nameProblem ??= $"parameter {id} stands twice in its groups";
            }
        }
    }

    private string Name(PickleItem item)
    {
        var id = item.Node switch
        {
            PickleString text => text.Text,
            PickleInteger number => number.Value.ToString(),
            _ => throw PickleFailure.At(item.At, "a parameter of an optimizer that is neither a number nor a name"),
        };
        if (!names.TryGetValue(id, out var found))
        {
            names.Add(id, found = []);
        }

        if (item.Node is PickleString)
        {
            found.Add(new NameEntry(item.At, id, NameRole.ParameterName));
        }

        return id;
    }

    /// <summary>The items of a list or a tuple: PyTorch writes lists, and some trainers keep tuples.</summary>
    private static IReadOnlyList<PickleItem> Items(PickleNode? node) => node switch
    {
        PickleMutable mutable => mutable.Items,
        PickleTuple tuple => tuple.Items,
        _ => [],
    };

    private static PickleNode? Value(PickleMutable dictionary, string key) =>
        dictionary.Entries.LastOrDefault(entry => entry.Key.Node is PickleString text && text.Text == key).Value.Node;
}
