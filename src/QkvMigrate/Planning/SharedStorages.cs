using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Planning;

/// <summary>
/// Brings the blocks of all moves together per storage. Tensors can share one: the same view twice is moved once; views
/// that have no byte in common are moved each for itself, though their rows may alternate; a view that shares a byte with
/// what must stay, or moves otherwise, gets a storage of its own.
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
            + $"it has a storage of its own now ({split.View.Extent} bytes)"))];

    /// <summary>Brings the blocks of <paramref name="moves"/> together.</summary>
    /// <exception cref="MigrationException">Views overlap in a format that has no other storage to give.</exception>
    public static SharedStorages Of(Checkpoint checkpoint, IReadOnlyList<TensorMove> moves)
    {
        var moved = moves.Where(move => move.Blocks.Count > 0).ToList();
        var owners = moved.ToLookup(move => move.Tensor.Storage);
        var movedTensors = moved.Select(move => move.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var bystanders = checkpoint.Tensors
            .Where(tensor => owners.Contains(tensor.Storage) && !movedTensors.Contains(tensor) && tensor.Extent > 0)
            .ToLookup(tensor => tensor.Storage);
        var blocks = new List<BlockReorder>();
        var splits = new List<StorageSplit>();
        var overlaps = new List<string>();
        var shared = new SharedBytes();
        foreach (var storage in owners)
        {
            var isOpaque = checkpoint.OpaqueStorages.Contains(storage.Key);
            foreach (var view in Views([.. storage], bystanders[storage.Key], shared))
            {
                if (Sharer(isOpaque, view.Neighbour) is not { } other)
                {
                    blocks.AddRange(view.Moves[0].Blocks);
                    continue;
                }

                if (!checkpoint.TakesSplits)
                {
                    throw new MigrationException(
                        FailureKind.Unsupported,
                        $"its bytes are shared with {other}, which must not move with it, and a file of this format has no other place for them",
                        where: $"tensor '{view.Tensor.Label}'");
                }

                splits.Add(new StorageSplit([.. view.Moves.Select(move => move.Tensor)], view.Moves[0].Blocks));
                overlaps.Add(other);
            }
        }

        return new SharedStorages(blocks, splits, overlaps);
    }

    /// <summary>
    /// The moves of a storage, together those of the same view under several names (tied weights, a model and its average),
    /// each with a tensor that it shares a byte with, or null.
    /// </summary>
    private static List<View> Views(TensorMove[] moves, IEnumerable<TensorEntry> bystanders, SharedBytes shared)
    {
        if (moves.Length == 1 && !bystanders.Any())
        {
            // As nearly everywhere: the storage is the tensor's alone.
            return [new View(moves, moves[0].Tensor)];
        }

        var moving = moves.GroupBy(move => move, SameView.Comparer).Select(view => new View([.. view], view.First().Tensor)).ToList();
        var staying = bystanders.Select(tensor => new TensorMove(tensor, null, null, []))
            .Distinct(SameView.Comparer)
            .Select(view => new View([], view.Tensor));
        List<View> open = [];
        foreach (var view in moving.Concat(staying).OrderBy(view => view.Tensor.FileOffset))
        {
            open.RemoveAll(other => End(other.Tensor) <= view.Tensor.FileOffset);
            foreach (var other in open)
            {
                shared.Spend(other.Tensor, view.Tensor);
                if ((view.IsInQuestion || other.IsInQuestion) && shared.Any(other.Tensor, view.Tensor))
                {
                    view.Neighbour ??= other.Tensor;
                    other.Neighbour ??= view.Tensor;
                }
            }

            open.Add(view);
        }

        return moving;
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

    /// <summary>A view of a storage.</summary>
    /// <param name="moves">The moves of its tensors; none where they stay.</param>
    /// <param name="tensor">One of them.</param>
    private sealed class View(IReadOnlyList<TensorMove> moves, TensorEntry tensor)
    {
        /// <summary>The moves of its tensors; none where they stay.</summary>
        public IReadOnlyList<TensorMove> Moves { get; } = moves;

        /// <summary>One of the tensors.</summary>
        public TensorEntry Tensor { get; } = tensor;

        /// <summary>Another view's tensor that has one of its bytes, where one was found.</summary>
        public TensorEntry? Neighbour { get; set; }

        /// <summary>Whether it moves, and nothing was found yet that keeps it from moving where it is.</summary>
        public bool IsInQuestion => Moves.Count > 0 && Neighbour is null;
    }
}
