namespace QkvMigrate.Attention;

/// <summary>Which of q, k and v have LoRA: <c>enable_lora</c> of LitGPT's LoRAQKVLinear (litgpt/lora.py).</summary>
public readonly record struct LoraSections(bool Query, bool Key, bool Value)
{
    /// <summary>All three.</summary>
    public static LoraSections All { get; } = new(true, true, true);

    /// <summary>How many.</summary>
    public int Count => Flags.Count(flag => flag);

    private bool[] Flags => [Query, Key, Value];

    /// <summary>Rows of q, of k and of v in the fused matrix.</summary>
    public static IReadOnlyList<long> Rows(AttentionGeometry geometry)
    {
        var group = (long)geometry.QueryGroupCount * geometry.HeadSize;
        return [(long)geometry.HeadCount * geometry.HeadSize, group, group];
    }

    /// <summary>The choices of which <paramref name="count"/> have <paramref name="rows"/> rows together; several where k and v, or all, are as large.</summary>
    public static IReadOnlyList<LoraSections> Fitting(AttentionGeometry geometry, long count, long rows) =>
        [.. Choices.Where(choice => choice.Count == count && choice.RowsOf(geometry) == rows)];

    /// <summary>Where the section's rows start in lora_B, and which of the enabled ones it is; null where it has no LoRA.</summary>
    /// <param name="section">0 for q, 1 for k, 2 for v.</param>
    /// <param name="geometry">The geometry.</param>
    public (long FirstRow, int Ordinal)? Place(int section, AttentionGeometry geometry)
    {
        var flags = Flags;
        var rows = Rows(geometry);
        return flags[section]
            ? (Enumerable.Range(0, section).Sum(before => flags[before] ? rows[before] : 0), flags[..section].Count(flag => flag))
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(", ", new[] { Query ? "q" : "", Key ? "k" : "", Value ? "v" : "" }.Where(name => name.Length > 0));

    private static IEnumerable<LoraSections> Choices =>
        Enumerable.Range(1, 7).Select(bits => new LoraSections((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0));

    private long RowsOf(AttentionGeometry geometry) => Flags.Zip(Rows(geometry), (flag, rows) => flag ? rows : 0).Sum();
}
