using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Migration;

/// <summary>
/// Brings the blocks of all moves together per storage. Tensors can share one: the same view twice is moved once; views
/// side by side are moved each for itself; a view that overlaps with what must stay, or moves otherwise, cannot be moved
/// where it is.
/// </summary>
internal static class SharedStorages
{
    /// <summary>The blocks to reorder, each once.</summary>
    public static List<BlockReorder> Combine(Checkpoint checkpoint, IReadOnlyList<TensorMove> moves)
    {
        var moved = moves.Where(move => move.Blocks.Count > 0).ToList();
        var touched = moved.Select(move => move.Tensor.Storage).ToHashSet();
        var owners = moved.ToLookup(move => move.Tensor.Storage);
        var bystanders = checkpoint.Tensors.Except(moved.Select(move => move.Tensor)).Where(tensor => touched.Contains(tensor.Storage)).ToLookup(tensor => tensor.Storage);
        var blocks = new List<BlockReorder>();
        foreach (var storage in touched)
        {
            if (checkpoint.OpaqueStorages.Contains(storage))
            {
                throw Overlap(owners[storage].First().Tensor, "an object that this tool does not know");
            }

            blocks.AddRange(CombineOne([.. owners[storage]], [.. bystanders[storage]]));
        }

        return blocks;
    }

    private static List<BlockReorder> CombineOne(List<TensorMove> moves, List<TensorEntry> bystanders)
    {
        // The same view under several names (tied weights, a model and its average) moves once.
        var views = moves.DistinctBy(move => (move.Tensor.FileOffset, move.Tensor.DType, string.Join(',', move.Tensor.Shape), string.Join(',', move.Tensor.Strides), move.Dimension));
        var extents = views.Select(move => (move.Tensor, Moves: true))
            .Concat(bystanders.Where(tensor => tensor.Extent > 0).Select(tensor => (Tensor: tensor, Moves: false)))
            .OrderBy(extent => extent.Tensor.FileOffset)
            .ToList();
        (TensorEntry Tensor, long End)? moving = null;
        (TensorEntry Tensor, long End)? any = null;
        foreach (var (tensor, isMoved) in extents)
        {
            var before = isMoved ? any : moving;
            if (before is { } other && other.End > tensor.FileOffset)
            {
                throw isMoved ? Overlap(tensor, $"tensor '{other.Tensor.Label}'") : Overlap(other.Tensor, $"tensor '{tensor.Label}'");
            }

            var end = tensor.FileOffset + tensor.Extent;
            any = any is { } farthest && farthest.End >= end ? any : (tensor, end);
            moving = isMoved && !(moving is { } last && last.End >= end) ? (tensor, end) : moving;
        }

        return [.. views.SelectMany(move => move.Blocks)];
    }

    private static MigrationException Overlap(TensorEntry tensor, string with) =>
        new(FailureKind.Unsupported, $"its bytes are shared with {with}, which must not move with it", where: $"tensor '{tensor.Label}'");
}
