using QkvMigrate.Attention;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>What advice depends on.</summary>
/// <param name="Scan">The file's fused attention.</param>
/// <param name="Conversion">What was asked for.</param>
/// <param name="Geometry">The geometry, or null where none was needed.</param>
/// <param name="Moves">What changes.</param>
internal sealed record AdviceFacts(AttentionScan Scan, Conversion Conversion, AttentionGeometry? Geometry, IReadOnlyList<TensorMove> Moves)
{
    /// <summary>Whether the file has the fused matrix itself, and not only an adapter's part of it.</summary>
    public bool HasFusedWeight => Scan.Fused.Any(fused => fused.Suffix == "weight");

    /// <summary>Whether the file has tensors of adapter v1.</summary>
    public bool HasAdapterV1 => HasComponent("gating_factor") || HasComponent("adapter_wte");

    /// <summary>Whether a component of a tensor's name is <paramref name="component"/>.</summary>
    private bool HasComponent(string component) =>
        Scan.Checkpoint.Tensors.Any(tensor => tensor.Name is { } name && FusedNames.TrySplit(name.Text, component, out _, out _));

    /// <summary>Whether an optimizer's moments move.</summary>
    public bool HasMovedMoments => Moves.Any(move => move.Follower == FollowerKind.Moment && move.Blocks.Count > 0);
}
