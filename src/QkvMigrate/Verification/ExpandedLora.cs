using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// A LoRA of more rank that adds what the old one did. Legacy LitGPT added row i of the delta of q, k and v to row i of the
/// interleaved matrix where all three had LoRA (litgpt/lora.py, <c>zero_pad</c>, returned early) and before #900: the
/// new delta must have these rows where the matrix has them, and its q, k and v each need the A's of all that had LoRA.
/// </summary>
internal sealed class ExpandedLora : IReshapedTensors
{
    private const int Sections = 3;

    private readonly Dictionary<TensorEntry, TensorEntry> after = new(ReferenceEqualityComparer.Instance);

    private readonly Dictionary<StorageEntry, long> lengths = [];

    private ExpandedLora(IReadOnlyList<LoraPair> layers, long rank, AttentionGeometry geometry)
    {
        Layers = layers;
        Rank = layers[0].Rank;
        NewRank = rank;
        foreach (var layer in layers)
        {
            after[layer.A] = Reshaped(layer.A, layer.IsFused ? Sections * rank : rank, layer.A.Shape[1]);
            after[layer.B] = Reshaped(layer.B, layer.IsFused ? geometry.FusedRows : layer.B.Shape[0], rank);
        }

        foreach (var (old, now) in after)
        {
            lengths.TryAdd(old.Storage, now.Storage.Length);
        }
    }

    /// <summary>The layers with LoRA.</summary>
    public IReadOnlyList<LoraPair> Layers { get; }

    /// <summary>LitGPT's <c>lora_r</c> before.</summary>
    public long Rank { get; }

    /// <summary>LitGPT's <c>lora_r</c> afterwards; alpha must have grown as much, so that alpha/r stays.</summary>
    public long NewRank { get; }

    /// <inheritdoc/>
    public TensorEntry? After(TensorEntry tensor) => after.GetValueOrDefault(tensor);

    /// <inheritdoc/>
    public long? LengthAfter(StorageEntry storage) => lengths.TryGetValue(storage, out var length) ? length : null;

    /// <summary>Finds out whether the second file's LoRA is expanded, and says so where it must be and is not.</summary>
    public static ExpandedLora? Find(Checkpoint original, Checkpoint upgraded, FusedChange moved, DifferenceLog log)
    {
        var (layout, geometry) = (moved.Change.From, moved.Geometry);
        var layers = LoraPair.Of(original, layout);
        var fused = layers.FindAll(layer => layer.IsFused);

        // With one query group the two layouts coincide, and each delta stays where it is.
        if (fused.Count == 0 || geometry.QueryGroupCount == 1)
        {
            return null;
        }

        if (original.Tensors.Count == upgraded.Tensors.Count && fused.Exists(layer => !upgraded.Tensors[layer.IndexB].Shape.SequenceEqual(layer.B.Shape)))
        {
            var rank = fused.Max(layer => layer.BlockCount) * fused[0].Rank;
            return new ExpandedLora(layers, rank, geometry);
        }

        foreach (var layer in fused.Where(layer => layer.BlockCount == Sections))
        {
            log.Add(
                $"tensor '{layer.B.Label}'",
                "q, k and v all have LoRA, so that its rows were added in the order of the old layout; "
                + "under the new name alone they are added to other heads");
        }

        return null;
    }

    private static TensorEntry Reshaped(TensorEntry tensor, long rows, long columns) => tensor with
    {
        Shape = [rows, columns],
        Strides = [columns, 1],
        StorageOffset = 0,
        Storage = tensor.Storage with { Length = rows * columns * tensor.DType.ItemSize },
    };
}
