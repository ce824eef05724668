namespace QkvMigrate.Pickling;

/// <summary>
/// A pickle that was read to its STOP without running any of it: the values that loading it would make. They take several
/// times as much memory as <see cref="Script"/>, which is enough to make them again.
/// </summary>
internal sealed class PickleDocument
{
    internal PickleDocument(PickleScript script, PickleItem root, IReadOnlyList<PicklePersistent> persistents, PickleBudget budget)
    {
        Script = script;
        Root = root;
        Persistents = persistents;
        Budget = budget;
    }

    /// <summary>The instructions.</summary>
    public PickleScript Script { get; }

    /// <summary>The value that loading would return.</summary>
    public PickleItem Root { get; }

    /// <summary>Every persistent id, in order.</summary>
    public IReadOnlyList<PicklePersistent> Persistents { get; }

    /// <summary>The memory that may still be made of the pickle.</summary>
    internal PickleBudget Budget { get; }
}
