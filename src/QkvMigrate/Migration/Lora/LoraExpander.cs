using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Migration.Lora;

/// <summary>Works out the new matrices of a LoRA that is expanded.</summary>
internal sealed class LoraExpander(Checkpoint checkpoint, AttentionGeometry geometry, RowPermutation permutation, LoraExpansion expansion)
{
    /// <summary>The new matrices of each layer: the fused attention's are expanded, all others filled up with zeros to the new rank.</summary>
    /// <exception cref="MigrationException">A matrix shares its bytes with another tensor, or is too large to be a LoRA.</exception>
    public IEnumerable<(TensorEntry Tensor, ExpandedMatrix Matrix)> Matrices(IEnumerable<LoraLayer> layers) =>
        layers.SelectMany(layer => new[]
        {
            (layer.A, layer.IsFused ? ExpandedA(layer.A) : Matrix(layer.A, expansion.NewRank, layer.A.Shape[1], [new RowPlacement(0, 0, layer.A.Shape[0], 0)])),
            (layer.B, layer.IsFused ? ExpandedB(layer.B) : Matrix(layer.B, layer.B.Shape[0], expansion.NewRank, [new RowPlacement(0, 0, layer.B.Shape[0], 0)])),
        });

    /// <summary>The storage that holds <paramref name="matrix"/> in place of <paramref name="tensor"/>.</summary>
    public static StorageReplacement Replacement(TensorEntry tensor, ExpandedMatrix matrix) =>
        new(tensor.Storage, matrix, [new TensorView(tensor, 0, matrix.Shape, [matrix.Shape[1], 1])]);

    /// <summary>All enabled A's, one below the other as they are, for each of q, k and v.</summary>
    private ExpandedMatrix ExpandedA(TensorEntry a) =>
        Matrix(a, LoraSections.All.Count * a.Shape[0], a.Shape[1], [.. Enumerable.Range(0, LoraSections.All.Count).Select(section => new RowPlacement(section * a.Shape[0], 0, a.Shape[0], 0))]);

    /// <summary>
    /// The rows in the order of the new fused matrix. Row i of the old delta, its sections one behind the other, was added
    /// to row i of the old matrix, so it moves as that row does.
    /// </summary>
    private ExpandedMatrix ExpandedB(TensorEntry b)
    {
        var placements = new List<RowPlacement>();
        var target = 0L;
        foreach (var run in permutation.Runs)
        {
            foreach (var (section, first, count) in BySection(run))
            {
                if (expansion.Sections.Place(section.Index, geometry) is { } place)
                {
                    placements.Add(new RowPlacement(target, place.FirstRow + first - section.FirstRow, count, place.Ordinal * expansion.Rank));
                }

                target += count;
            }
        }

        return Matrix(b, permutation.RowCount, expansion.NewRank, placements);
    }

    /// <summary>The parts of a run that lie in q, in k and in v.</summary>
    private IEnumerable<((int Index, long FirstRow) Section, long First, long Count)> BySection(RowRun run)
    {
        var start = 0L;
        foreach (var (index, rows) in LoraSections.Rows(geometry).Index())
        {
            var first = Math.Max(run.Start, start);
            var count = Math.Min(run.End, start + rows) - first;
            if (count > 0)
            {
                yield return ((index, start), first, count);
            }

            start += rows;
        }
    }

    private ExpandedMatrix Matrix(TensorEntry old, long rows, long columns, IReadOnlyList<RowPlacement> placements)
    {
        var where = $"tensor '{old.Label}'";
        if (checkpoint.OpaqueStorages.Contains(old.Storage) || checkpoint.Tensors.Count(other => other.Storage == old.Storage) > 1)
        {
            throw new MigrationException(FailureKind.Unsupported, "its bytes are shared with another tensor, so that it cannot be expanded", where: where);
        }

        var matrix = new ExpandedMatrix(checkpoint.Source, old, rows, columns, placements);
        return matrix.Length <= Array.MaxLength && old.Extent <= Array.MaxLength && old.ElementCount <= old.Storage.Length / old.DType.ItemSize
            ? matrix
            : throw new MigrationException(FailureKind.Unsupported, $"shape ({string.Join(", ", old.Shape)}) is too large for a LoRA to be expanded to ({rows}, {columns})", where: where);
    }
}
