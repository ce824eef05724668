using CsCheck;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Tests.Support;

/// <summary>Views of one storage with any sizes, strides and offsets, and the bytes that each looks at.</summary>
internal static class RandomViews
{
    private static readonly string[] Types = ["uint8", "float16", "float32", "float64"];

    /// <summary>A view of up to four dimensions; its strides may be 0, nested, or in one another's way.</summary>
    public static Gen<TensorEntry> View { get; } =
        from type in Gen.Int[0, Types.Length - 1].Select(number => Types[number])
        from rank in Gen.Int[0, 4]
        from shape in Gen.Long[1, 5].Array[rank]
        from strides in Gen.Frequency((2, Gen.Long[0, 12]), (1, Gen.Long[0, 60])).Array[rank]
        from offset in Gen.Long[0, 40]
        select new TensorEntry(new ContainerEntry("", []), null, "view", DType.ByName(type)!, shape, strides, AnyFile.Storage("0", 16, 1 << 20), offset);

    /// <summary>The bytes, from the start of the storage.</summary>
    public static HashSet<long> Bytes(TensorEntry view)
    {
        IEnumerable<long> elements = [view.StorageOffset];
        foreach (var (size, stride) in view.Shape.Zip(view.Strides))
        {
            elements = elements.SelectMany(at => Enumerable.Range(0, (int)size).Select(index => at + (index * stride)));
        }

        return [.. elements.SelectMany(at => Enumerable.Range(0, view.DType.ItemSize).Select(within => (at * view.DType.ItemSize) + within))];
    }

    /// <summary>Some columns of a matrix of a million rows, which has <paramref name="of"/> columns.</summary>
    public static TensorEntry Columns(long first, long count, long of) =>
        new(new ContainerEntry("", []), null, $"columns from {first} on", DType.ByName("float32")!, [1 << 20, count], [of, 1], AnyFile.Storage("0", 0, 1L << 50), first);
}
