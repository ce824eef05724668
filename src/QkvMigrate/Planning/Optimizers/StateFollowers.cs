using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>
/// Says which tensors of an optimizer's state follow the rows of a fused parameter. What has the parameter's shape has one
/// number for each element (Adam's moments, momentum); what has one number for each row is a factored moment (Adafactor's
/// <c>exp_avg_sq_row</c>, CAME's <c>exp_avg_res_row</c>): both follow exactly. What is over the columns alone stays. A matrix of rows by
/// rows does not follow by moving rows: Shampoo's and SOAP's statistics have the rows on both axes, SOAP's eigenvectors on
/// one, and its second moment is in their basis. Numbers of blocks of elements (8-bit optimizers) belong to no row.
/// </summary>
/// <param name="shape">The parameter's sizes.</param>
/// <param name="dimension">The dimension of its rows.</param>
internal sealed class StateFollowers(IReadOnlyList<long> shape, int dimension)
{
    /// <summary>Ends of the keys of factored moments, where sizes do not tell rows from columns.</summary>
    private const string Row = "_row";
    private const string Column = "_col";

    /// <summary>What stands under these keys has one number for each element (torch/optim), even where the parameter is square.</summary>
    private static readonly HashSet<string> Elementwise =
    [
        "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "momentum", "sum", "square_avg", "acc_delta", "grad_avg",
        "prev", "step_size", "ax", "mu_product", "exp_avg_diff", "exp_avg_lower", "slow_buffer", "master_param", "param_exp_avg",
    ];

    private long Rows => shape[dimension];

    private bool IsSquare => shape.Count > 1 && shape.Index().Any(size => size.Index != dimension && size.Item == Rows);

    /// <summary>Whether a tensor may be kept for a parameter of sizes <paramref name="shape"/>, by its own sizes.</summary>
    public static bool MayBelong(TensorEntry state, IReadOnlyList<long> shape)
    {
        if (state.ElementCount == 1 || state.Shape.SequenceEqual(shape))
        {
            return true;
        }

        return (state.Shape is [var rows, var columns] && rows == columns && shape.Contains(rows))
            || (shape.Count > 1 && Enumerable.Range(0, shape.Count).Any(i => IsWithout(state.Shape, shape, i)));
    }

    /// <summary>What of a state can neither follow nor stay, in words; null where all can.</summary>
    public string? Problem(IReadOnlyList<TensorEntry> state)
    {
        if (state.FirstOrDefault(tensor => tensor.ElementCount > 1 && tensor.DType.Name is "uint8" or "int8" && tensor.Shape.SequenceEqual(shape)) is { } coded)
        {
            return $"'{coded.Label}' of {coded.DType.Name}, coded in blocks that are no rows";
        }

        if (state.FirstOrDefault(tensor => !IsClear(tensor)) is not { } unclear)
        {
            return null;
        }

        var what = $"'{unclear.Label}' of shape ({string.Join(", ", unclear.Shape)})";
        return unclear.Shape is [var one, var other] && one == Rows && other == Rows
            ? $"{what}, a matrix of its rows by its rows as Shampoo and SOAP keep: in it rows and columns would both have to move, "
                + "and with eigenvectors the rows alone, and which it is the file does not say"
            : $"{what}, and moving rows does not carry that over";
    }

    /// <summary>The dimension of <paramref name="state"/> along which the rows stand, or null where it has none of them.</summary>
    public int? DimensionOf(TensorEntry state) =>
        state.ElementCount == 1 ? null
        : state.Shape.SequenceEqual(shape) ? dimension
        : IsOverRows(state) ? (state.Shape.Count == shape.Count ? dimension : 0)
        : null;

    private bool IsClear(TensorEntry state)
    {
        if (state.ElementCount == 1)
        {
            return true;
        }

        if (state.Shape.SequenceEqual(shape))
        {
            return !IsSquare || (KeyOf(state) is { } key && Elementwise.Contains(key));
        }

        if (shape.Count != 2 || IsSquare)
        {
            return shape.Count == 2 && HasSize(state, Rows) && (EndsIn(state, Row) || EndsIn(state, Column));
        }

        var columns = shape[1 - dimension];
        return HasSize(state, Rows) || HasSize(state, columns) || state.Shape.SequenceEqual([columns, columns]);
    }

    private bool IsOverRows(TensorEntry state) => shape.Count == 2 && HasSize(state, Rows) && (!IsSquare || EndsIn(state, Row));

    /// <summary>Whether it has one number for each of <paramref name="count"/>: a vector, or the parameter with its other size 1.</summary>
    private bool HasSize(TensorEntry state, long count) =>
        state.Shape.SequenceEqual([count])
        || (count == Rows ? IsKept(state.Shape, dimension) : IsKept(state.Shape, 1 - dimension));

    /// <summary>Whether <paramref name="sizes"/> are those of the parameter with all but one of them 1.</summary>
    private bool IsKept(IReadOnlyList<long> sizes, int kept) =>
        sizes.Count == shape.Count && sizes.Index().All(size => size.Item == (size.Index == kept ? shape[kept] : 1));

    private static bool EndsIn(TensorEntry state, string end) => KeyOf(state) is { } key && key.EndsWith(end, StringComparison.Ordinal);

    /// <summary>The key of a tensor, or of the list that it is in.</summary>
    private static string? KeyOf(TensorEntry state) => (state.Name ?? state.Container.Key)?.Text;

    /// <summary>Whether <paramref name="sizes"/> are <paramref name="shape"/> without the dimension <paramref name="left"/>, or with 1 in its place.</summary>
    private static bool IsWithout(IReadOnlyList<long> sizes, IReadOnlyList<long> shape, int left) =>
        sizes.Count == shape.Count
            ? sizes.Index().All(size => size.Item == (size.Index == left ? 1 : shape[size.Index]))
            : sizes.Count == shape.Count - 1 && sizes.Index().All(size => size.Item == shape[size.Index < left ? size.Index : size.Index + 1]);
}
