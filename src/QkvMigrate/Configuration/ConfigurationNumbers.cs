using QkvMigrate.Attention;

namespace QkvMigrate.Configuration;

/// <summary>What one source says about a model's sizes; each number may be missing.</summary>
/// <param name="Source">Where the numbers come from, as reports name it.</param>
/// <param name="HeadCount">LitGPT's <c>n_head</c>.</param>
/// <param name="QueryGroupCount">LitGPT's <c>n_query_groups</c>.</param>
/// <param name="HeadSize">LitGPT's <c>head_size</c>.</param>
/// <param name="EmbeddingSize">LitGPT's <c>n_embd</c>.</param>
public sealed record ConfigurationNumbers(string Source, int? HeadCount = null, int? QueryGroupCount = null, int? HeadSize = null, int? EmbeddingSize = null)
{
    /// <summary>
    /// The geometry, with what LitGPT puts in for missing numbers: as many query groups as heads, and
    /// <c>n_embd / n_head</c> rows a head (litgpt/config.py, <c>Config.__post_init__</c>).
    /// </summary>
    /// <exception cref="MigrationException">A number is missing, or the numbers cannot be a geometry.</exception>
    public AttentionGeometry ToGeometry()
    {
        var heads = HeadCount ?? throw Missing("n_head");
        var size = HeadSize ?? PerHead(heads);
        var geometry = new AttentionGeometry(heads, QueryGroupCount ?? heads, size);
        return geometry.Problem() is { } problem
            ? throw new MigrationException(FailureKind.Geometry, $"{problem} (from {Source})")
            : geometry;
    }

    private int PerHead(int heads)
    {
        var embedding = EmbeddingSize ?? throw Missing("head_size (or n_embd)");
        return heads > 0 && embedding % heads == 0
            ? embedding / heads
            : throw new MigrationException(
                FailureKind.Geometry,
                $"n_embd {embedding} is not a multiple of n_head {heads}, and head_size is not given (from {Source})");
    }

    private MigrationException Missing(string field) =>
        new(FailureKind.Geometry, $"{Source} does not give {field}; --n-head, --n-query-groups and --head-size settle it");
}
