using QkvMigrate.Testing.Pickles;

namespace QkvMigrate.Tests.Running.Values;

/// <summary>How much of a tensor a value is.</summary>
internal enum Likeness
{
    /// <summary>Data of the user's: numbers, strings, sizes.</summary>
    None,

    /// <summary>A strided tensor, which moves.</summary>
    Movable,

    /// <summary>Something that stands for a tensor and cannot move.</summary>
    Unreadable,
}

/// <summary>A part of a random checkpoint.</summary>
internal abstract record PickledValue
{
    /// <summary>Its code, in the language of <see cref="TorchCode"/>; <paramref name="storages"/> numbers the storages.</summary>
    public abstract string Code(Counter storages);

    /// <summary>Whether it is like a tensor, or anything in it is.</summary>
    public abstract bool HoldsTensors { get; }

    /// <summary>This and all in it.</summary>
    public virtual IEnumerable<PickledValue> All() => [this];
}

/// <summary>Counts storages.</summary>
internal sealed class Counter
{
    /// <summary>How many there are so far.</summary>
    public int Count { get; private set; }

    /// <summary>The next one's number.</summary>
    public int Next() => Count++;
}

/// <summary>A value of one kind.</summary>
internal sealed record Leaf(string Kind, Likeness Likeness, Func<Counter, string> Write) : PickledValue
{
    public override bool HoldsTensors => Likeness != Likeness.None;

    public override string Code(Counter storages) => Write(storages);

    public override string ToString() => Kind;
}

/// <summary>A list or a tuple.</summary>
internal sealed record Row(bool IsTuple, IReadOnlyList<PickledValue> Items) : PickledValue
{
    public override bool HoldsTensors => Items.Any(item => item.HoldsTensors);

    public override string Code(Counter storages) => IsTuple ? TorchCode.Tuple(Items.Select(item => item.Code(storages))) : TorchCode.List(Items.Select(item => item.Code(storages)));

    public override IEnumerable<PickledValue> All() => [this, .. Items.SelectMany(item => item.All())];

    public override string ToString() => $"{(IsTuple ? "tuple" : "list")}({string.Join(", ", Items)})";
}

/// <summary>A dict, an OrderedDict, or an object with such attributes.</summary>
internal sealed record Map(string Form, IReadOnlyList<(string Key, PickledValue Value)> Entries) : PickledValue
{
    public const string Plain = "dict";
    public const string Ordered = "OrderedDict";
    public const string Instance = "object";

    public override bool HoldsTensors => Entries.Any(entry => entry.Value.HoldsTensors);

    public override string Code(Counter storages)
    {
        var entries = $"({string.Concat(Entries.Select(entry => TorchCode.Text(entry.Key) + entry.Value.Code(storages)))}u";
        return Form switch
        {
            Ordered => "ccollections\nOrderedDict\n)R" + entries,
            Instance => "cusers.code\nThing\n)\u0081}" + entries + "b",
            _ => "}" + entries,
        };
    }

    public override IEnumerable<PickledValue> All() => [this, .. Entries.SelectMany(entry => entry.Value.All())];

    public override string ToString() => $"{Form}({string.Join(", ", Entries.Select(entry => $"{entry.Key}: {entry.Value}"))})";
}
