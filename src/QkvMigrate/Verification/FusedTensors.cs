using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>A tensor under a fused attention module.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Name">Its key, cut at the module's name.</param>
/// <param name="Axis">The dimension of the rows, or null where it has none of them.</param>
/// <param name="IsKnown">Whether LitGPT is known to keep such a tensor there.</param>
internal sealed record FusedTensor(TensorEntry Tensor, FusedName Name, FusedAxis? Axis, bool IsKnown);

/// <summary>The tensors under the fused attention modules of a checkpoint, by the verifier's own reading of their names.</summary>
internal static class FusedTensors
{
    private const string QuantizedWeight = "qweight";
    private const string Projection = "attn.proj.weight";

    /// <summary>The tensors under modules of one age, in the checkpoint's order.</summary>
    public static List<FusedTensor> Of(Checkpoint checkpoint, bool legacy)
    {
        var named = checkpoint.Tensors
            .Select(tensor => (Tensor: tensor, Name: tensor.Name is { } name ? FusedName.Find(name.Text, legacy) : null))
            .Where(item => item.Name is { Suffix.Length: > 0 })
            .ToList();
        var quantized = named.Where(item => item.Name!.Suffix == QuantizedWeight).Select(item => (item.Tensor.Container, item.Name!.Prefix)).ToHashSet();
        return named.ConvertAll(item =>
        {
            var known = FusedAxis.TryFind(item.Name!.Suffix, item.Tensor.Shape.Count, quantized.Contains((item.Tensor.Container, item.Name.Prefix)), out var axis);
            return new FusedTensor(item.Tensor, item.Name, axis, known);
        });
    }

    /// <summary>What the shapes of <paramref name="fused"/> say about the geometry.</summary>
    public static IReadOnlyList<AttentionShape> Shapes(Checkpoint checkpoint, IEnumerable<FusedTensor> fused)
    {
        var projections = checkpoint.Tensors
            .Where(tensor => tensor.Name is not null && tensor.Shape.Count == 2)
            .ToLookup(tensor => (tensor.Container, tensor.Name!.Text), tensor => tensor.Shape[1]);
        return [.. from item in fused
            where item is { IsKnown: true, Axis: { IsPacked: false } }
            let key = item.Name.Prefix.Length > 0 ? $"{item.Name.Prefix}.{Projection}" : Projection
            let columns = projections[(item.Tensor.Container, key)].Cast<long?>().FirstOrDefault()
            select new AttentionShape(item.Tensor.Label, item.Tensor.Shape[item.Axis!.Value.Dimension], columns)];
    }
}
