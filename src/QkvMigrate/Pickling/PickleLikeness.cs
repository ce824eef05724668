namespace QkvMigrate.Pickling;

/// <summary>
/// Whether two pickles make the same values: the same kinds, texts and numbers, in the same order, and shared where they
/// are shared. How the bytes bring them about does not matter.
/// </summary>
internal sealed class PickleLikeness
{
    private readonly PickleDocument left;
    private readonly PickleDocument right;
    private readonly Func<PickleEntry, bool> isLeftOut;
    private readonly Dictionary<PickleNode, PickleNode> met = new(ReferenceEqualityComparer.Instance);
    private readonly Stack<(PickleNode Left, PickleNode Right)> pending = new();

    private PickleLikeness(PickleDocument left, PickleDocument right, Func<PickleEntry, bool> isLeftOut)
    {
        this.left = left;
        this.right = right;
        this.isLeftOut = isLeftOut;
    }

    /// <summary>Compares what loading them would return, without the entries of the left one's dicts that are left out.</summary>
    public static bool AreAlike(PickleDocument left, PickleDocument right, Func<PickleEntry, bool> isLeftOut) =>
        new PickleLikeness(left, right, isLeftOut).Compare();

    private bool Compare()
    {
        pending.Push((left.Root.Node, right.Root.Node));
        while (pending.TryPop(out var pair))
        {
            if (!IsNextAlike(pair.Left, pair.Right))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsNextAlike(PickleNode one, PickleNode other)
    {
        if (one.GetType() != other.GetType())
        {
            return false;
        }

        if (IsPlain(one))
        {
            return IsSamePlain(one, other);
        }

        if (met.TryGetValue(one, out var partner))
        {
            return partner == other;
        }

        met.Add(one, other);
        return (one, other) switch
        {
            (PicklePersistent a, PicklePersistent b) => Later(a.Id.Node, b.Id.Node),
            (PickleTuple a, PickleTuple b) => Later(a.Items, b.Items),
            (PickleMutable a, PickleMutable b) => IsMutableAlike(a, b),
            _ => true,
        };
    }

    private bool IsMutableAlike(PickleMutable one, PickleMutable other)
    {
        var entries = one.Entries.Where(entry => !isLeftOut(entry)).ToList();
        return Later(one.Items, other.Items)
            && Later([.. entries.Select(entry => entry.Key)], [.. other.Entries.Select(entry => entry.Key)])
            && Later([.. entries.Select(entry => entry.Value)], [.. other.Entries.Select(entry => entry.Value)])
            && one.State.HasValue == other.State.HasValue
            && (one.State is not { } state || Later(state.Node, other.State!.Value.Node))
            && (one is not PickleObject call || IsCallAlike(call, (PickleObject)other));
    }

    private bool IsCallAlike(PickleObject one, PickleObject other) =>
        Later(one.Callable, other.Callable) && Later(one.Arguments, other.Arguments);

    private bool Later(PickleNode one, PickleNode other)
    {
        pending.Push((one, other));
        return true;
    }

    private bool Later(IReadOnlyList<PickleItem> some, IReadOnlyList<PickleItem> others)
    {
        foreach (var (one, other) in some.Zip(others))
        {
            pending.Push((one.Node, other.Node));
        }

        return some.Count == others.Count;
    }

    /// <summary>Whether it does not matter if two uses are of one object or of two: Python never changes such a value.</summary>
    private static bool IsPlain(PickleNode node) =>
        node is PickleNone or PickleBoolean or PickleInteger or PickleBigInteger or PickleFloat
            or PickleString or PickleGlobal or PickleExtension or PickleBytes;

    private bool IsSamePlain(PickleNode one, PickleNode other) => (one, other) switch
    {
        (PickleBoolean a, PickleBoolean b) => a.Value == b.Value,
        (PickleInteger a, PickleInteger b) => a.Value == b.Value,
        (PickleBigInteger a, PickleBigInteger b) => a.Value == b.Value,
        (PickleFloat a, PickleFloat b) => BitConverter.DoubleToInt64Bits(a.Value) == BitConverter.DoubleToInt64Bits(b.Value),
        (PickleString a, PickleString b) => a.Text == b.Text,
        (PickleGlobal a, PickleGlobal b) => (a.Module, a.Name) == (b.Module, b.Name),
        (PickleExtension a, PickleExtension b) => a.Code == b.Code,
        (PickleBytes a, PickleBytes b) => left.Script.Bytes.Span.Slice(a.Start, a.Length).SequenceEqual(right.Script.Bytes.Span.Slice(b.Start, b.Length)),
        _ => true,
    };
}
