using QkvMigrate.Attention;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>Two legacy layers of 4 heads in 2 groups of 4 rows, with everything that storages can be: tied, transposed, sliced, with bytes and a storage of no tensor.</summary>
internal static class LegacyModel
{
    public const string Weight = "transformer.h.0.attn.attn.weight";
    public const string Untouched = "transformer.wte.weight";

    /// <summary>32 rows.</summary>
    public static AttentionGeometry Geometry { get; } = new(4, 2, 4);

    /// <summary>32 rows as well.</summary>
    public static AttentionGeometry OtherGeometry { get; } = new(8, 4, 2);

    private const int Columns = 5;

    public static StateDict Legacy { get; } = new(
        [
            new(Untouched, 0, [7, Columns], [Columns, 1]),
            new(Weight, 1, [32, Columns], [Columns, 1]),
            new("transformer.h.0.attn.attn.bias", 2, [32], [1]),
            new("transformer.h.1.attn.attn.weight", 3, [32, Columns], [1, 32]),
            new("transformer.h.1.attn.attn.bias", 4, [32], [2], Offset: 3),
            new("transformer.h.2.attn.attn.weight", 1, [32, Columns], [Columns, 1]),
            new("lm_head.weight", 0, [7, Columns], [Columns, 1]),
        ],
        [7 * Columns, 32 * Columns, 32, 32 * Columns, 70, 7 * Columns]);
}
