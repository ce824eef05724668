using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Verification.Storages;

/// <summary>
/// Random models whose fused weights are views of few buffers, with tensors beside them that look into the same buffers, and
/// what an upgrade must make of the loaded tensors, worked out from the definition of the layouts.
/// </summary>
internal static class SharedModel
{
    private const int Rows = 32;

    /// <summary>32 rows.</summary>
    public static AttentionGeometry Geometry { get; } = LegacyModel.Geometry;

    /// <summary>Models of one to three layers.</summary>
    public static Gen<StateDict> Models { get; } =
        from layers in Gen.Int[1, 3]
        from columns in Gen.Int[1, 3]
        from kind in Gen.Int[0, 5]
        from step in Gen.Int[0, 3]
        from others in Gen.Select(Gen.Int[0, 200], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[0, 20], Gen.Int[0, 9]).Array[0, 3]
        from isFirst in Gen.Bool
        from hasBias in Gen.Bool
        select Make(layers, columns, kind, step, others, isFirst, hasBias);

    /// <summary>Two layers whose rows alternate in one buffer, and a tensor that looks at some rows of the first.</summary>
    public static StateDict WithProbe { get; } = new(
        [
            new("probe", 0, [3, 2], [8, 1], Offset: 8),
            new("transformer.h.0.attn.attn.weight", 0, [Rows, 4], [8, 1]),
            new("transformer.h.0.attn.attn.bias", 1, [Rows], [1]),
            new("transformer.h.1.attn.attn.weight", 0, [Rows, 4], [8, 1], Offset: 4),
            new("transformer.h.2.attn.attn.weight", 2, [Rows, 4], [4, 1]),
            new("transformer.h.3.attn.attn.weight", 2, [Rows, 4], [4, 1], Offset: 4),
            new("transformer.h.4.attn.attn.weight", 0, [Rows, 4], [8, 1]),
            new("lm_head.weight", 3, [7, 5], [5, 1]),
            new("transformer.wte.weight", 3, [7, 5], [5, 1]),
        ],
        [Rows * 8, Rows, (Rows + 1) * 4, 35]);

    /// <summary>Whether a tensor's rows move.</summary>
    public static bool Moves(string key) => key.Contains(".attn.attn.", StringComparison.Ordinal);

    /// <summary>The elements of a file's tensors, row by row, in order.</summary>
    public static IReadOnlyList<float[]> Load(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return [.. checkpoint.Tensors.Select(tensor => Elements([.. tensor.Shape], [.. tensor.Strides], tensor.StorageOffset)
            .Select(at => BitConverter.ToSingle(checkpoint.Source.Read(tensor.Storage.Offset + (at * sizeof(float)), sizeof(float))))
            .ToArray())];
    }

    /// <summary>The same, as they must be after an upgrade.</summary>
    public static IReadOnlyList<float[]> Upgraded(StateDict model) => [.. model.Tensors.Select(tensor =>
    {
        var values = Elements([.. tensor.Shape], [.. tensor.Strides], tensor.Offset).Select(at => (tensor.Storage * 100000) + at + 0.5f).ToArray();
        return Moves(tensor.Key) ? [.. Order().SelectMany(row => values.Chunk(values.Length / Rows).ElementAt(row))] : values;
    })];

    /// <summary>What must share a storage does, and no tensor that moves has a byte in common with one that does not.</summary>
    public static void CheckSharing(StateDict model, string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var tensors = model.Tensors.Zip(checkpoint.Tensors, (before, after) => (Before: before, After: after, Bytes: RandomViews.Bytes(after))).ToList();
        foreach (var (one, other) in tensors.SelectMany((one, at) => tensors.Skip(at + 1).Select(other => (one, other))))
        {
            var isShared = one.After.Storage.Key == other.After.Storage.Key && one.Bytes.Overlaps(other.Bytes);
            var (oneMoves, otherMoves) = (Moves(one.Before.Key), Moves(other.Before.Key));
            if (oneMoves != otherMoves)
            {
                Assert.False(isShared, $"{one.Before.Key} and {other.Before.Key}");
            }
            else if (!oneMoves)
            {
                Assert.Equal(one.Before.Storage == other.Before.Storage, one.After.Storage.Key == other.After.Storage.Key);
            }
            else if (IsSame(one.Before, other.Before))
            {
                Assert.Equal((one.After.Storage.Key, one.After.StorageOffset), (other.After.Storage.Key, other.After.StorageOffset));
            }
        }
    }

    /// <summary>The rows of the first file in the order of the second: of all query groups the queries, then the keys, then the values.</summary>
    public static IEnumerable<int> Order()
    {
        var (size, queries) = (Geometry.HeadSize, Geometry.HeadCount / Geometry.QueryGroupCount);
        var heads = from section in new[] { (First: 0, Count: queries), (First: queries, Count: 1), (First: queries + 1, Count: 1) }
                    from queryGroup in Enumerable.Range(0, Geometry.QueryGroupCount)
                    from head in Enumerable.Range(section.First, section.Count)
                    select (queryGroup * (queries + 2)) + head;
        return heads.SelectMany(head => Enumerable.Range(head * size, size));
    }

    private static bool IsSame(TestTensor one, TestTensor other) =>
        one.Storage == other.Storage && one.Offset == other.Offset && one.Shape.SequenceEqual(other.Shape) && one.Strides.SequenceEqual(other.Strides);

    private static IEnumerable<long> Elements(long[] shape, long[] strides, long offset) => shape.Length == 0
        ? [offset]
        : Enumerable.Range(0, (int)shape[0]).SelectMany(index => Elements(shape[1..], strides[1..], offset + (index * strides[0])));

    private static StateDict Make(int layers, int columns, int kind, int step, (int Offset, int Rows, int Columns, int RowStride, int Stride)[] others, bool isFirst, bool hasBias)
    {
        var wide = columns * (layers + 1);
        var (size, weight) = kind switch
        {
            // Columns side by side, or rows that alternate; one behind the other; windows that overlap; transposed; every second element.
            0 => (Rows * wide, layer => (layer * columns, wide, 1)),
            1 => (Rows * wide, layer => (layer * Rows * columns, columns, 1)),
            2 => (Rows * wide, layer => (layer * step * columns, columns, 1)),
            3 => (34 * wide, layer => (layer * 34 * columns, 1, 34)),
            4 => (Rows * columns * 2, layer => (layer % 2, columns * 2, 2)),
            _ => (Rows * wide, (Func<int, (int Offset, int RowStride, int Stride)>)(_ => (step, columns, 1))),
        };
        List<TestTensor> fused = [];
        for (var layer = 0; layer < layers; layer++)
        {
            var (offset, rowStride, stride) = weight(layer);
            fused.Add(new($"transformer.h.{layer}.attn.attn.weight", 0, [Rows, columns], [rowStride, stride], offset));
        }

        if (hasBias)
        {
            fused.Add(new("transformer.h.0.attn.attn.bias", 0, [Rows], [1], size - Rows));
        }

        var beside = others.Index().Select(other => new TestTensor(
            $"other.{other.Index}",
            0,
            [other.Item.Rows, other.Item.Columns],
            [other.Item.RowStride, other.Item.Stride],
            other.Item.Offset % (size - 100 > 0 ? size - 100 : 1))).Where(tensor => End(tensor) <= size);
        TestTensor[] model = [new("lm_head.weight", 1, [2, 3], [3, 1]), .. fused, new("transformer.wte.weight", 1, [2, 3], [3, 1])];
        return new StateDict(isFirst ? [.. beside, .. model] : [.. model, .. beside], [size, 6]);
    }

    private static int End(TestTensor tensor) => tensor.Offset + tensor.Shape.Zip(tensor.Strides, (count, stride) => (count - 1) * stride).Sum() + 1;
}
