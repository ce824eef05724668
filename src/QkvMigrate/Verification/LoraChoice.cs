using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>Which of q, k and v have LoRA in the fused attention. Their deltas stand one behind the other, as do their A's and B's.</summary>
internal sealed class LoraChoice
{
    private readonly long[] rows;
    private readonly bool[] isEnabled;

    private LoraChoice(AttentionGeometry geometry, int bits)
    {
        long keys = (long)geometry.QueryGroupCount * geometry.HeadSize;
        rows = [geometry.ProjectionColumns, keys, keys];
        isEnabled = [(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0];
    }

    /// <summary>All three.</summary>
    public static LoraChoice All(AttentionGeometry geometry) => new(geometry, 7);

    /// <summary>The choices that a layer's shapes allow.</summary>
    public static IReadOnlyList<LoraChoice> Fitting(AttentionGeometry geometry, LoraPair layer) =>
    [
        .. Enumerable.Range(1, 7)
            .Select(bits => new LoraChoice(geometry, bits))
            .Where(choice => choice.isEnabled.Count(enabled => enabled) == layer.BlockCount && choice.EnabledRows == layer.B.Shape[0]),
    ];

    private long EnabledRows => rows.Zip(isEnabled, (count, enabled) => enabled ? count : 0).Sum();

    /// <summary>The same choice, as <c>hyperparameters.yaml</c> is asked about it.</summary>
    public LoraSections Sections => new(isEnabled[0], isEnabled[1], isEnabled[2]);

    /// <summary>The row of B and the block of A that make a row of the whole delta: all of q's rows, of k's, of v's. Null where the section has no LoRA.</summary>
    public LoraRow? Place(long row)
    {
        var (section, block) = (0, 0);
        var (first, firstOfB) = (0L, 0L);
        for (; row >= first + rows[section]; section++)
        {
            first += rows[section];
            firstOfB += isEnabled[section] ? rows[section] : 0;
            block += isEnabled[section] ? 1 : 0;
        }

        return isEnabled[section] ? new LoraRow(firstOfB + row - first, block) : null;
    }

    /// <summary>Writes one row of the whole delta; zeros where the section has no LoRA.</summary>
    public void Row(LoraDelta delta, long row, Span<double> into)
    {
        if (Place(row) is { } place)
        {
            delta.Row(place.RowOfB, place.Block, into);
        }
        else
        {
            into.Clear();
        }
    }
}
