namespace QkvMigrate.Attention;

/// <summary>What one fused tensor's shape says about the geometry.</summary>
/// <param name="Tensor">The tensor, as reports name it.</param>
/// <param name="FusedRows">Its rows: <c>(n_head + 2·n_query_groups)·head_size</c>.</param>
/// <param name="ProjectionColumns">Columns of the block's <c>attn.proj.weight</c>, <c>n_head·head_size</c>; null where the file has none.</param>
public sealed record AttentionShape(string Tensor, long FusedRows, long? ProjectionColumns);
