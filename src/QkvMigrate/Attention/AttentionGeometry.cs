namespace QkvMigrate.Attention;

/// <summary>
/// The three numbers that say where the rows of q, k and v stand in a fused attention matrix.
/// Multi-head attention has as many query groups as heads, multi-query attention has one.
/// </summary>
/// <param name="HeadCount">LitGPT's <c>n_head</c>: query heads.</param>
/// <param name="QueryGroupCount">LitGPT's <c>n_query_groups</c>: key heads, and as many value heads; divides <paramref name="HeadCount"/>.</param>
/// <param name="HeadSize">LitGPT's <c>head_size</c>: rows of one head.</param>
public sealed record AttentionGeometry(int HeadCount, int QueryGroupCount, int HeadSize)
{
    /// <summary>The largest value of each number: LitGPT's largest models stay below a hundredth of it.</summary>
    public const int MaximumNumber = 1 << 20;

    /// <summary>LitGPT's <c>q_per_kv</c>: query heads in one group.</summary>
    public int QueriesPerGroup => HeadCount / QueryGroupCount;

    /// <summary>Rows of the fused matrix, <c>(n_head + 2·n_query_groups)·head_size</c> (litgpt/model.py, CausalSelfAttention).</summary>
    public long FusedRows => ((long)HeadCount + (2L * QueryGroupCount)) * HeadSize;

    /// <summary>Columns of <c>attn.proj.weight</c>, <c>n_head·head_size</c> (litgpt/model.py, CausalSelfAttention).</summary>
    public long ProjectionColumns => (long)HeadCount * HeadSize;

    /// <summary>Says what is wrong with the numbers themselves, or null where they can be a geometry.</summary>
    public string? Problem()
    {
        foreach (var (name, value) in new[] { ("n_head", HeadCount), ("n_query_groups", QueryGroupCount), ("head_size", HeadSize) })
        {
            if (value is < 1 or > MaximumNumber)
            {
                return $"{name} is {value}, expected a number from 1 to {MaximumNumber}";
            }
        }

        if (HeadCount % QueryGroupCount != 0)
        {
            return $"n_head {HeadCount} is not a multiple of n_query_groups {QueryGroupCount}";
        }

        return FusedRows > int.MaxValue ? $"{FusedRows} fused rows are more than this tool handles ({int.MaxValue})" : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"n_head={HeadCount} n_query_groups={QueryGroupCount} head_size={HeadSize}";
}
