using QkvMigrate.Checkpoints;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Verification.Mutants;

/// <summary>Of every kind of checkpoint: a bit of a number, two heads in each other's place, rows as they were. Each is named, under right checksums.</summary>
[Trait("Category", "Slow")]
public sealed class TensorMutantTests
{
    private const int Bits = 200;
    private const int HeadRows = 4;

    public static TheoryData<string> Kinds => [.. MutantFolder.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void One_bit_of_a_number_is_named_with_its_tensor(string kind)
    {
        using var folder = new MutantFolder(kind);
        var random = new Random(20261128);
        var tensors = folder.Files.SelectMany(file => folder.Tensors(file).Select(tensor => (file, tensor))).ToList();
        for (var i = 0; i < Bits; i++)
        {
            // Every tensor gets its turn, moved or not.
            var (file, tensor) = tensors[i % tensors.Count];
            var at = Place(tensor, [.. tensor.Shape.Select(size => random.NextInt64(size))]) + random.Next(tensor.DType.ItemSize);
            var (bit, places) = (1 << random.Next(8), tensors.Where(other => other.file == file && other.tensor.FileOffset == tensor.FileOffset));
            var found = Assert.Single(folder.WithBytes(file, bytes => bytes[at] ^= (byte)bit));
            Assert.Contains(found.Place, places.Select(other => $"tensor '{Old(other.tensor.Label)}'"));
            Assert.NotNull(found.Row);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Two_heads_in_each_others_place_are_named(string kind)
    {
        using var folder = new MutantFolder(kind);
        var heads = (int)LegacyModel.Geometry.FusedRows / HeadRows;
        var count = 0;
        foreach (var (file, tensor) in folder.Files.SelectMany(file => folder.Moved(file).Select(tensor => (file, tensor))))
        {
            for (var first = 0; first < heads; first++)
            {
                for (var second = first + 1; second < heads; second++)
                {
                    var (one, other) = (first, second);
                    var found = folder.WithBytes(file, bytes => Swap(bytes, tensor, one, other));

                    // Where rows do not lie together each of their pieces is a difference, of which the first ten are kept.
                    var rows = Enumerable.Range(one * HeadRows, HeadRows).Concat(Enumerable.Range(other * HeadRows, HeadRows)).Select(row => (long?)row);
                    Assert.Equal(one * HeadRows, found[0].Row);
                    Assert.Subset(rows.ToHashSet(), found.Select(difference => difference.Row).ToHashSet());
                    count++;
                }
            }
        }

        Assert.InRange(count, heads * (heads - 1) / 2, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Rows_as_they_were_are_named(string kind)
    {
        using var folder = new MutantFolder(kind);
        foreach (var file in folder.Files)
        {
            foreach (var tensor in folder.Moved(file))
            {
                var old = Old(folder, file, tensor);
                Assert.NotEmpty(folder.WithBytes(file, bytes => old.CopyTo(bytes, tensor.FileOffset)));
            }
        }
    }

    /// <summary>The bytes that the first file has where the second has a tensor.</summary>
    private static byte[] Old(MutantFolder folder, string file, TensorEntry tensor)
    {
        using var before = Checkpoint.Open(Path.Combine(folder.Original, file));
        var place = Assert.Single(before.Tensors, other => other.Label == Old(tensor.Label));
        return before.Source.Read(place.FileOffset, (int)place.Extent);
    }

    private static string Old(string label) => label.Replace("attn.qkv", "attn.attn", StringComparison.Ordinal);

    private static long Place(TensorEntry tensor, IReadOnlyList<long> index) =>
        tensor.FileOffset + (index.Zip(tensor.Strides).Sum(pair => pair.First * pair.Second) * tensor.DType.ItemSize);

    private static void Swap(byte[] bytes, TensorEntry tensor, int first, int second)
    {
        var columns = tensor.Shape.Count == 2 ? tensor.Shape[1] : 1;
        for (var row = 0; row < HeadRows; row++)
        {
            for (var column = 0L; column < columns; column++)
            {
                var (one, other) = ((int)At(first, row, column), (int)At(second, row, column));
                for (var i = 0; i < tensor.DType.ItemSize; i++)
                {
                    (bytes[one + i], bytes[other + i]) = (bytes[other + i], bytes[one + i]);
                }
            }
        }

        long At(int head, int row, long column) => Place(tensor, tensor.Shape.Count == 2 ? [(head * HeadRows) + row, column] : [(head * HeadRows) + row]);
    }
}
