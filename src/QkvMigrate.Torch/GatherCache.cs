using QkvMigrate.Reordering;

namespace QkvMigrate.Torch;

/// <summary>The gathers that a lane did last, prepared: every layer of a model repeats those of the layer before.</summary>
internal sealed class GatherCache(GatherCache.Preparer prepare) : IDisposable
{
    /// <summary>
    /// How many are kept. A layer's matrix is cut into slabs of 1 MiB, many of which ask for the same, and each thread of
    /// the writer has a lane with a cache of its own.
    /// </summary>
    internal const int MaximumCount = 32;

    /// <summary>Bytes of views and indices. A checkpoint with heads of one row asks for views by the thousand.</summary>
    internal const long MaximumWeight = 32 << 20;

    /// <summary>Most recently used first.</summary>
    private readonly List<PreparedGather> kept = new(MaximumCount);
    private long weight;

    /// <summary>Turns a gather into tensors.</summary>
    public delegate PreparedGather Preparer(in Gather gather);

    /// <summary>How many gathers are kept.</summary>
    public int Count => kept.Count;

    /// <summary>The gather, prepared now or before; valid until the next call.</summary>
    public PreparedGather Get(in Gather gather)
    {
        for (var i = 0; i < kept.Count; i++)
        {
            var found = kept[i];
            if (found.Is(gather))
            {
                kept.RemoveAt(i);
                kept.Insert(0, found);
                return found;
            }
        }

        var made = prepare(gather);
        kept.Insert(0, made);
        weight += made.Weight;
        while (kept.Count > 1 && (kept.Count > MaximumCount || weight > MaximumWeight))
        {
            var last = kept[^1];
            kept.RemoveAt(kept.Count - 1);
            weight -= last.Weight;
            last.Dispose();
        }

        return made;
    }

    public void Dispose()
    {
        foreach (var gather in kept)
        {
            gather.Dispose();
        }

        kept.Clear();
    }
}
