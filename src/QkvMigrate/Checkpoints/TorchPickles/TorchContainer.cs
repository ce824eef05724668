using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// A dict, list, tuple or object of a pickle, and where it stands. What reports and plans need of it is made where it, or
/// something in it, holds a tensor, and once.
/// </summary>
internal sealed class TorchContainer
{
    /// <summary>The attribute under which <c>Module.state_dict</c> keeps the paths of modules.</summary>
    public const string Metadata = "_metadata";

    /// <summary>A container of more values than this is no pair of a name and a tensor.</summary>
    private const int FewValues = 8;

    private readonly PickleBudget budget;
    private readonly TorchContainer? parent;
    private readonly PickleItem? key;
    private readonly bool isNumbered;
    private ContainerEntry? entry;

    /// <summary>The root.</summary>
    /// <param name="node">The value.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="budget">Pays for <see cref="Entry"/>.</param>
    public TorchContainer(PickleNode node, PicklePath path, PickleBudget budget)
        : this(node, path, budget, null, null, isNumbered: false)
    {
    }

    private TorchContainer(PickleNode node, PicklePath path, PickleBudget budget, TorchContainer? parent, PickleItem? key, bool isNumbered)
    {
        Node = node;
        Path = path;
        this.budget = budget;
        this.parent = parent;
        this.key = key;
        this.isNumbered = isNumbered;
    }

    /// <summary>The value.</summary>
    public PickleNode Node { get; }

    /// <summary>Where it stands.</summary>
    public PicklePath Path { get; }

    /// <summary>The object whose state it is, or whose arguments; null for anything else.</summary>
    public PickleObject? Owner => key is null && !isNumbered ? parent?.Node as PickleObject : null;

    /// <summary>What is said of it as the container of tensors.</summary>
    public ContainerEntry Entry => entry ??= Make();

    /// <summary>A container in this one, under a key or at an index.</summary>
    public TorchContainer Child(PickleNode node, PickleItem? itsKey, string step) =>
        new(node, Path.Then(step, node.Offset), budget, this, itsKey, itsKey?.Node is not PickleString);

    /// <summary>A part of this object: its state, or the arguments that made it.</summary>
    public TorchContainer Part(PickleNode node, string step) =>
        new(node, Path.Then(step, Node.Offset), budget, this, null, isNumbered: false);

    /// <summary>Makes those of the containers around this one first: a loop, because they may be nested deeply.</summary>
    private ContainerEntry Make()
    {
        var missing = new Stack<TorchContainer>();
        for (var at = parent; at is { entry: null }; at = at.parent)
        {
            missing.Push(at);
        }

        foreach (var outer in missing)
        {
            outer.entry = outer.Alone();
        }

        return Alone();
    }

    /// <summary>The description, where that of <see cref="parent"/> is there.</summary>
    private ContainerEntry Alone()
    {
        var made = new ContainerEntry(Path.Write(Node.Offset), ModulePaths())
        {
            Parent = parent?.entry,
            Key = key is { Node: PickleString text } item ? new NameEntry(item.At, text.Text, NameRole.ContainerKey) : null,
            IsNumbered = isNumbered,
            Texts = Texts(),
        };
        var names = (long)PickleBudget.Entry * (made.ModulePaths.Count + made.Texts.Count);
        budget.Spend(Node.Offset, PickleBudget.Text(made.Path) + (2 * PickleBudget.Slot) + names);
        return made;
    }

    /// <summary>
    /// The keys of <c>_metadata</c>, which <c>Module.state_dict</c> hangs on its OrderedDict as an attribute
    /// (torch/nn/modules/module.py) and the pickle carries in the dict's state.
    /// </summary>
    private IReadOnlyList<NameEntry> ModulePaths()
    {
        if (Node is not PickleMutable { State.Node: PickleDict { Entries: var attributes } })
        {
            return [];
        }

        return [.. attributes
            .Where(attribute => attribute.Key.Node is PickleString { Text: Metadata } && attribute.Value.Node is PickleMutable)
            .SelectMany(attribute => ((PickleMutable)attribute.Value.Node).Entries)
            .Where(named => named.Key.Node is PickleString)
            .Select(named => new NameEntry(named.Key.At, ((PickleString)named.Key.Node).Text, NameRole.ModulePath))];
    }

    private IReadOnlyList<NameEntry> Texts()
    {
        var (items, entries) = Node switch
        {
            PickleTuple tuple => (tuple.Items, (IReadOnlyList<PickleEntry>)[]),
            PickleMutable mutable => (mutable.Items, mutable.Entries),
            _ => ([], []),
        };
        if (items.Count + entries.Count > FewValues)
        {
            return [];
        }

        var values = items.Concat(entries.Select(named => named.Value)).Where(value => value.Node is PickleString);
        return [.. values.Select(value => new NameEntry(value.At, ((PickleString)value.Node).Text, NameRole.Value))];
    }
}
