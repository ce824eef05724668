namespace QkvMigrate.Pickling;

/// <summary>
/// The machine's memo. Picklers number their slots from 0 without gaps, which a list serves; slots out of that order
/// are kept in a dictionary, so that a slot's number never decides how much memory is taken.
/// </summary>
internal sealed class PickleMemo
{
    private readonly List<PickleNode> dense = [];
    private readonly Dictionary<long, PickleNode> sparse = [];

    /// <summary>How many slots are filled: MEMOIZE puts at this number.</summary>
    public long Count => dense.Count + sparse.Count;

    public void Put(in PickleInstruction at, long slot, PickleNode node)
    {
        if (Find(slot) is PickleString forgotten && forgotten != node && forgotten.MemoSlot == slot)
        {
            forgotten.MemoSlot = -1;
        }

        if (slot < 0)
        {
            throw PickleFailure.At(at.Offset, $"memo slot {slot}, expected a number from 0 on");
        }

        if (slot < dense.Count)
        {
            dense[(int)slot] = node;
        }
        else if (slot == dense.Count && (sparse.Count == 0 || !sparse.ContainsKey(slot)))
        {
            dense.Add(node);
        }
        else
        {
            sparse[slot] = node;
        }
    }

    public PickleNode Get(in PickleInstruction at, long slot) =>
        Find(slot) ?? throw PickleFailure.At(at.Offset, $"memo slot {slot} was never filled");

    private PickleNode? Find(long slot) =>
        slot >= 0 && slot < dense.Count ? dense[(int)slot] : sparse.Count > 0 ? sparse.GetValueOrDefault(slot) : null;
}
