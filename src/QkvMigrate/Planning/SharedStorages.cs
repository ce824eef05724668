using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Planning;

/// <summary>
/// Brings the blocks of all moves together per storage. Tensors can share one: the same view twice is moved once; views
/// side by side are moved each for itself; a view that overlaps with what must stay, or moves otherwise, gets a storage of
/// its own.
/// </summary>
/// <param name="Blocks">The blocks to reorder where they are, each once.</param>
/// <param name="Splits">The tensors that leave their storage.</param>
/// <param name="Overlaps">What each of <paramref name="Splits"/> overlaps with, in words.</param>
internal sealed record SharedStorages(IReadOnlyList<BlockReorder> Blocks, IReadOnlyList<StorageSplit> Splits, IReadOnlyList<string> Overlaps)
{
    /// <summary>What whoever uses the file next must know.</summary>
    public IReadOnlyList<Advice> Advice =>
        [.. Splits.Zip(Overlaps, (split, other) => new Advice(
            "storage-split",
            $"tensor '{split.View.Label}' shared its bytes with {other}, which must not move with it: "
            + $"it has a storage of its own now ({split.View.Extent} bytes), and the new file was not verified against the old one"))];

    /// <summary>Brings the blocks of <paramref name="moves"/> together.</summary>
    /// <exception cref="MigrationException">Views overlap in a format that has no other storage to give.</exception>
    public static SharedStorages Of(Checkpoint checkpoint, IReadOnlyList<TensorMove> moves)
    {
        var moved = moves.Where(move => move.Blocks.Count > 0).ToList();
        var owners = moved.ToLookup(move => move.Tensor.Storage);
        var movedTensors = moved.Select(move => move.Tensor).ToHashSet();
        var bystanders = checkpoint.Tensors
            .Where(tensor => owners.Contains(tensor.Storage) && !movedTensors.Contains(tensor) && tensor.Extent > 0)
            .ToLookup(tensor => tensor.Storage);
        var blocks = new List<BlockReorder>();
        var splits = new List<StorageSplit>();
        var overlaps = new List<string>();
        foreach (var storage in owners)
        {
            var isOpaque = checkpoint.OpaqueStorages.Contains(storage.Key);
            foreach (var (view, neighbour) in Neighbours([.. storage], bystanders[storage.Key]))
            {
                if (Sharer(isOpaque, neighbour) is not { } other)
                {
                    blocks.AddRange(view[0].Blocks);
                    continue;
                }

                if (!checkpoint.TakesReplacements)
                {
                    throw new MigrationException(
                        FailureKind.Unsupported,
                        $"its bytes are shared with {other}, which must not move with it, and a file of this format has no other place for them",
                        where: $"tensor '{view[0].Tensor.Label}'");
                }

                splits.Add(new StorageSplit([.. view.Select(move => move.Tensor)], view[0].Blocks));
                overlaps.Add(other);
            }
        }

        return new SharedStorages(blocks, splits, overlaps);
    }

    /// <summary>
    /// The moves of a storage, together those of the same view under several names (tied weights, a model and its average),
    /// each with a tensor that it overlaps with, or null.
    /// </summary>
    private static IEnumerable<(IReadOnlyList<TensorMove> View, TensorEntry? Neighbour)> Neighbours(TensorMove[] moves, IEnumerable<TensorEntry> bystanders)
    {
        if (moves.Length == 1 && !bystanders.Any())
        {
            // As nearly everywhere: the storage is the tensor's alone.
            yield return (moves, null);
            yield break;
        }

        var extents = moves
            .GroupBy(move => move, SameView.Comparer)
            .Select(view => (View: (IReadOnlyList<TensorMove>)[.. view], view.First().Tensor))
            .Concat(bystanders.Select(tensor => (View: (IReadOnlyList<TensorMove>)[], Tensor: tensor)))
            .OrderBy(extent => extent.Tensor.FileOffset)
            .ToList();
        TensorEntry? farthest = null;
        for (var i = 0; i < extents.Count; i++)
        {
            var (view, tensor) = extents[i];
            var before = farthest is not null && End(farthest) > tensor.FileOffset ? farthest : null;
            var after = i + 1 < extents.Count && extents[i + 1].Tensor.FileOffset < End(tensor) ? extents[i + 1].Tensor : null;
            if (view.Count > 0)
            {
                yield return (view, before ?? after);
            }

            farthest = farthest is not null && End(farthest) >= End(tensor) ? farthest : tensor;
        }
    }

    /// <summary>What a view shares its bytes with and must leave behind, in words, or null.</summary>
    private static string? Sharer(bool isOpaque, TensorEntry? neighbour)
    {
        if (isOpaque)
        {
            return "an object that this tool does not know";
        }

        return neighbour is null ? null : $"tensor '{neighbour.Label}'";
    }

    private static long End(TensorEntry tensor) => tensor.FileOffset + tensor.Extent;
}
