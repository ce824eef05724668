using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;

namespace QkvMigrate.Exporting;

/// <summary>Rows of a tensor, in runs; of a tensor of one dimension, its elements.</summary>
/// <param name="Source">The tensor.</param>
/// <param name="Runs">The runs in the order in which they are written.</param>
internal sealed record TensorRows(TensorEntry Source, IReadOnlyList<RowRun> Runs)
{
    /// <summary>All rows of a tensor.</summary>
    public static TensorRows All(TensorEntry tensor) => new(tensor, [new RowRun(0, checked((int)tensor.Shape[0]))]);

    /// <summary>How many rows there are.</summary>
    public long Count => Runs.Sum(run => (long)run.Length);

    /// <summary>Elements of one row.</summary>
    public long Width => Source.Shape.Skip(1).Aggregate(1L, (count, size) => checked(count * size));

    /// <summary>Whether rows, and the elements in them, stand in the file one behind the other.</summary>
    public bool AreContiguous
    {
        get
        {
            var stride = 1L;
            for (var i = Source.Shape.Count - 1; i >= 0; i--)
            {
                if (Source.Shape[i] > 1 && Source.Strides[i] != stride)
                {
                    return false;
                }

                stride *= Source.Shape[i];
            }

            return true;
        }
    }
}

/// <summary>A tensor of an exported model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Rows">What it is made of: rows that stand one behind the other.</param>
internal sealed record ExportedTensor(string Name, DType DType, IReadOnlyList<long> Shape, IReadOnlyList<TensorRows> Rows)
{
    /// <summary>Its elements, where they are no rows of a tensor but computed; null otherwise.</summary>
    public ComputedBytes? Computed { get; init; }

    /// <summary>The storages that it is made of.</summary>
    public IEnumerable<StorageEntry> Storages => [.. Rows.Select(rows => rows.Source.Storage), .. ComputedFrom is { } tensor ? new[] { tensor.Storage } : []];

    /// <summary>The tensor of which <see cref="Computed"/> is made.</summary>
    public TensorEntry? ComputedFrom { get; init; }

    /// <summary>How many bytes it has.</summary>
    public long Bytes => Shape.Aggregate((long)DType.ItemSize, (bytes, size) => checked(bytes * size));
}
