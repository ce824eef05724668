using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;

namespace QkvMigrate.Planning.Lora;

/// <summary>Works out the new matrices of a LoRA that is expanded.</summary>
internal sealed class LoraExpander(Checkpoint checkpoint, AttentionGeometry geometry, RowPermutation permutation, LoraExpansion expansion)
{
    private readonly StorageUse storages = new(checkpoint);

    /// <summary>The new matrices of each layer: the fused attention's are expanded, all others filled up with zeros to the new rank.</summary>
    /// <exception cref="MigrationException">A matrix shares its bytes with another tensor, or is too large to be a LoRA.</exception>
    public IEnumerable<ComputedTensor> Matrices(IEnumerable<LoraLayer> layers) =>
        layers.SelectMany(layer => new[]
        {
            layer.IsFused ? ExpandedA(layer.A) : Matrix(layer.A, expansion.NewRank, layer.A.Shape[1], [new RowPlacement(0, 0, layer.A.Shape[0], 0)]),
            layer.IsFused ? ExpandedB(layer.B) : Matrix(layer.B, layer.B.Shape[0], expansion.NewRank, [new RowPlacement(0, 0, layer.B.Shape[0], 0)]),
        });

    /// <summary>All enabled A's, one below the other as they are, for each of q, k and v.</summary>
    private ComputedTensor ExpandedA(TensorEntry a)
    {
        LoraMatrix.RequireFinite(a, LoraPlan.ExpandOption);
        return Matrix(
            a,
            LoraSections.All.Count * a.Shape[0],
            a.Shape[1],
            [.. Enumerable.Range(0, LoraSections.All.Count).Select(section => new RowPlacement(section * a.Shape[0], 0, a.Shape[0], 0))]);
    }

    /// <summary>The rows in the order of the new fused matrix, each in the columns of the A that it came from.</summary>
    private ComputedTensor ExpandedB(TensorEntry b) =>
        Matrix(
            b,
            permutation.RowCount,
            expansion.NewRank,
            [
                .. LoraRows.ByRow(permutation, expansion.Sections, geometry)
                    .Select(run => new RowPlacement(run.Target, run.RowOfB, run.Count, run.Ordinal * expansion.Rank)),
            ]);

    private ComputedTensor Matrix(TensorEntry old, long rows, long columns, IReadOnlyList<RowPlacement> placements)
    {
        var where = $"tensor '{old.Label}'";
        if (storages.IsShared(old))
        {
            throw new MigrationException(FailureKind.Unsupported, "its bytes are shared with another tensor, so that it cannot be expanded", where: where);
        }

        var matrix = new ExpandedMatrix(old, rows, columns, placements);
        return matrix.Length <= Array.MaxLength && LoraMatrix.IsReadable(old)
            ? new ComputedTensor(old, [rows, columns], matrix)
            : throw new MigrationException(
                FailureKind.Unsupported,
                $"shape ({string.Join(", ", old.Shape)}) is too large for a LoRA to be expanded to ({rows}, {columns})",
                where: where);
    }
}
