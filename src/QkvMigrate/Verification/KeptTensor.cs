using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>What a tensor in an optimizer's state is to the parameter that it is kept for, as its sizes and its key say.</summary>
internal enum KeptTensor
{
    /// <summary>It is nothing that this tool knows, or more than one thing: it cannot be told what a change of rows makes of it.</summary>
    Unknown,

    /// <summary>A single number: a step, a norm.</summary>
    Number,

    /// <summary>One number for each element of the parameter: a moment.</summary>
    Element,

    /// <summary>One number for each row: the row factor of a second moment (Adafactor).</summary>
    Row,

    /// <summary>Nothing of it belongs to one row: a column factor, a matrix over the columns.</summary>
    Column,
}

/// <summary>Tells what a kept tensor is.</summary>
internal static class KeptTensors
{
    /// <summary>Moments of torch.optim and its relatives by their keys: needed where rows and columns are as many.</summary>
    private static readonly string[] Moments =
    [
        "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "momentum", "sum", "square_avg", "acc_delta", "grad_avg",
        "prev", "step_size", "ax", "mu_product", "exp_avg_diff", "exp_avg_lower", "slow_buffer", "master_param", "param_exp_avg",
    ];

    /// <summary>Whether a parameter of these sizes can have such a tensor kept for it, be it fused or not.</summary>
    public static bool CanBeOf(TensorEntry kept, IReadOnlyList<long> sizes)
    {
        if (kept.ElementCount == 1 || sizes.SequenceEqual(kept.Shape))
        {
            return true;
        }

        if (kept.Shape.Count == 2 && kept.Shape[0] == kept.Shape[1] && sizes.Contains(kept.Shape[0]))
        {
            return true;
        }

        for (var i = 0; sizes.Count > 1 && i < sizes.Count; i++)
        {
            var (gone, kept1) = (sizes.ToList(), sizes.ToList());
            gone.RemoveAt(i);
            kept1[i] = 1;
            if (gone.SequenceEqual(kept.Shape) || kept1.SequenceEqual(kept.Shape))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What it is to a fused parameter of these sizes, whose rows are along <paramref name="axis"/>.</summary>
    public static KeptTensor Of(TensorEntry kept, IReadOnlyList<long> sizes, int axis)
    {
        if (kept.ElementCount == 1)
        {
            return KeptTensor.Number;
        }

        var key = kept.Name?.Text ?? kept.Container.Key?.Text ?? "";
        var isSquare = sizes.Count == 2 && sizes[0] == sizes[1];
        if (sizes.SequenceEqual(kept.Shape))
        {
            // Numbers of one byte are indexes into a code whose scales belong to blocks of elements.
            var isCoded = kept.DType.Name is "uint8" or "int8";
            var isAlone = !sizes.Where((size, i) => i != axis && size == sizes[axis]).Any();
            return !isCoded && (isAlone || Moments.Contains(key)) ? KeptTensor.Element : KeptTensor.Unknown;
        }

        if (sizes.Count != 2)
        {
            return KeptTensor.Unknown;
        }

        var isRow = Spans(kept.Shape, sizes, axis);
        var isColumn = Spans(kept.Shape, sizes, 1 - axis);
        if (isSquare)
        {
            return !isRow && !isColumn ? KeptTensor.Unknown
                : key.EndsWith("_row", StringComparison.Ordinal) ? KeptTensor.Row
                : key.EndsWith("_col", StringComparison.Ordinal) ? KeptTensor.Column
                : KeptTensor.Unknown;
        }

        var isColumnMatrix = kept.Shape.Count == 2 && kept.Shape.All(size => size == sizes[1 - axis]);
        return isRow ? KeptTensor.Row : isColumn || isColumnMatrix ? KeptTensor.Column : KeptTensor.Unknown;
    }

    /// <summary>Whether a shape goes along one of two sizes alone, as a vector or beside a 1.</summary>
    private static bool Spans(IReadOnlyList<long> shape, IReadOnlyList<long> sizes, int along) => shape.Count switch
    {
        1 => shape[0] == sizes[along],
        2 => shape[along] == sizes[along] && shape[1 - along] == 1,
        _ => false,
    };
}
