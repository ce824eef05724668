using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Exporting.Adapters;

/// <summary>
/// The matrices of PEFT's layers, each <c>delta = lora_B·lora_A</c> by itself. Of the fused attention each of q, k and v with LoRA has
/// its own: its rows of A and of B. Where the delta was added to interleaved rows whatever head they belonged to, one of them
/// mixes rows of several A's: then each has all of A, its rows of B stand in the columns of the A that they came from, and
/// every other layer is filled up with zeros to the new rank.
/// </summary>
/// <param name="shape">What all layers have in common.</param>
/// <param name="geometry">The geometry.</param>
/// <param name="addedByRow">The source rows of the fused matrix in the sequential order, where the delta was added row by row; null otherwise.</param>
/// <param name="dtype">The element type of all, or null for that which each has.</param>
internal sealed class AdapterMatrices(LoraShape shape, AttentionGeometry geometry, RowPermutation? addedByRow, DType? dtype)
{
    /// <summary>PEFT's <c>r</c>.</summary>
    public long Rank => addedByRow is null ? shape.Rank : checked(shape.Rank * shape.FusedSections.Count);

    /// <summary>A and B of a layer that is not the fused attention's.</summary>
    public IEnumerable<ExportedTensor> Plain(LoraLayer layer, string target) => addedByRow is null
        ? Pair(target, TensorRows.All(layer.A), TensorRows.All(layer.B))
        :
        [
            Expanded(target, "A", layer.A, Rank, layer.A.Shape[1], [new RowPlacement(0, 0, layer.A.Shape[0], 0)]),
            Expanded(target, "B", layer.B, layer.B.Shape[0], Rank, [new RowPlacement(0, 0, layer.B.Shape[0], 0)]),
        ];

    /// <summary>A and B of q, k and v; none for one without LoRA.</summary>
    /// <param name="layer">The fused attention's layer.</param>
    /// <param name="targets">The modules of q, k and v.</param>
    public IEnumerable<ExportedTensor> Fused(LoraLayer layer, IReadOnlyList<string> targets) =>
        targets.SelectMany((target, section) => addedByRow is { } rows ? ByRow(layer, target, section, rows) : BySection(layer, target, section));

    private IEnumerable<ExportedTensor> BySection(LoraLayer layer, string target, int section)
    {
        if (shape.FusedSections.Place(section, geometry) is not { } place)
        {
            return [];
        }

        var rank = (int)shape.Rank;
        var rows = new RowRun(checked((int)place.FirstRow), checked((int)LoraSections.Rows(geometry)[section]));
        return Pair(target, new TensorRows(layer.A, [new RowRun(place.Ordinal * rank, rank)]), new TensorRows(layer.B, [rows]));
    }

    private IEnumerable<ExportedTensor> ByRow(LoraLayer layer, string target, int section, RowPermutation rows)
    {
        LoraMatrix.RequireFinite(layer.A, "an adapter of higher rank");
        var count = LoraSections.Rows(geometry)[section];
        var first = LoraSections.Rows(geometry).Take(section).Sum();
        var placements = from run in LoraRows.ByRow(rows, shape.FusedSections, geometry)
                         let start = Math.Max(run.Target, first)
                         let length = Math.Min(run.Target + run.Count, first + count) - start
                         where length > 0
                         select new RowPlacement(start - first, run.RowOfB + start - run.Target, length, run.Ordinal * shape.Rank);
        return
        [
            Made(target, "A", [Rank, layer.A.Shape[1]], TensorRows.All(layer.A)),
            Expanded(target, "B", layer.B, count, Rank, [.. placements]),
        ];
    }

    private IEnumerable<ExportedTensor> Pair(string target, TensorRows a, TensorRows b) =>
        [Made(target, "A", [a.Count, a.Width], a), Made(target, "B", [b.Count, b.Width], b)];

    private ExportedTensor Made(string target, string half, IReadOnlyList<long> sizes, TensorRows rows)
    {
        Check(rows.Source);
        return new ExportedTensor(Name(target, half), dtype ?? rows.Source.DType, sizes, [rows]);
    }

    private ExportedTensor Expanded(string target, string half, TensorEntry old, long rows, long columns, IReadOnlyList<RowPlacement> placements)
    {
        Check(old);
        ComputedBytes matrix = new ExpandedMatrix(old, rows, columns, placements);
        if (matrix.Length > Array.MaxLength || !LoraMatrix.IsReadable(old))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"shape ({string.Join(", ", old.Shape)}) is too large for a LoRA to be expanded to ({rows}, {columns})",
                where: $"tensor '{old.Label}'");
        }

        var type = dtype ?? old.DType;
        return new ExportedTensor(Name(target, half), type, [rows, columns], []) { Computed = type == old.DType ? matrix : new ConvertedBytes(matrix, old.DType, type), ComputedFrom = old };
    }

    private static string Name(string target, string half) => $"base_model.model.{target}.lora_{half}.weight";

    private static void Check(TensorEntry tensor)
    {
        if (tensor.Peculiarity is not null || !ElementTypes.IsFloatingPoint(tensor.DType))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{tensor.Peculiarity ?? $"its elements are {tensor.DType}"}, expected a plain tensor of floating point numbers",
                where: $"tensor '{tensor.Label}'");
        }
    }
}
