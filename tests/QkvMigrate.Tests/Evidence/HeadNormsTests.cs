using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Layouts;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Evidence;

public sealed class HeadNormsTests : IDisposable
{
    /// <summary>The geometry of 64 rows.</summary>
    private static readonly AttentionGeometry Geometry = new(4, 2, 8);

    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void Agrees_with_the_definition()
    {
        File.WriteAllBytes(path, RandomModel.Write(5));
        using var checkpoint = Checkpoint.Open(path);
        var matrices = HeadNorms.Matrices(AttentionScan.Of(checkpoint), Geometry);
        Assert.Equal(["transformer.h.0.attn.attn.weight", "transformer.h.1.attn.attn.weight"], matrices.Select(matrix => matrix.Label));
        foreach (var matrix in matrices)
        {
            var measured = HeadNorms.Measure(checkpoint, matrix, Geometry, cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(matrix.Label, measured.Tensor);
            Assert.Equal(8, measured.Norms.Count);
            for (var head = 0; head < 8; head++)
            {
                var values = new float[8 * 32];
                Buffer.BlockCopy(checkpoint.Source.Read(matrix.FileOffset + (head * values.Length * sizeof(float)), values.Length * sizeof(float)), 0, values, 0, values.Length * sizeof(float));
                var expected = Math.Sqrt(values.Sum(value => (double)value * value));
                Assert.Equal(expected, measured.Norms[head], expected * 1e-9);
            }
        }
    }

    [Theory]
    [InlineData(10, 4, "0 2 5 7")]
    [InlineData(3, 4, "0 1 2")]
    [InlineData(3, 1, "0")]
    public void Layers_are_chosen_evenly(int count, int maximum, string chosen) =>
        Assert.Equal(chosen, string.Join(' ', EvidenceSample.Evenly([.. Enumerable.Range(0, count)], maximum)));

    [Fact]
    public void A_matrix_of_other_rows_is_no_part_of_the_picture()
    {
        File.WriteAllBytes(path, Layers(1));
        using var checkpoint = Checkpoint.Open(path);
        Assert.Empty(HeadNorms.Matrices(AttentionScan.Of(checkpoint), new AttentionGeometry(3, 3, 1)));
    }

    private static byte[] Layers(int count) => new StateDict(
        [.. Enumerable.Range(0, count).Select(layer => new TestTensor($"transformer.h.{layer}.attn.attn.weight", layer, [6, 3], [3, 1]))],
        [.. Enumerable.Repeat(18, count)]).ToFile();
}
