using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Planning;

/// <summary>What is known of a migration before its geometry: whether there is something to do, and which shapes a geometry has to fit.</summary>
public sealed class MigrationOutline
{
    internal MigrationOutline(AttentionScan scan, Conversion conversion, bool hasWork, IReadOnlyList<Advice> advice)
    {
        Scan = scan;
        Conversion = conversion;
        HasWork = hasWork;
        Advice = advice;
    }

    /// <summary>The file's fused attention.</summary>
    public AttentionScan Scan { get; }

    /// <summary>What was asked for.</summary>
    public Conversion Conversion { get; }

    /// <summary>Whether there is something to do; for that a geometry is needed, which fits <see cref="AttentionScan.Shapes"/>.</summary>
    public bool HasWork { get; }

    /// <summary>What the user should know of the file's names.</summary>
    public IReadOnlyList<Advice> Advice { get; }

    /// <summary>The LoRA that is merged into the file, where one is.</summary>
    internal LoraMerge? Merge { get; init; }
}
