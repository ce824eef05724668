using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Files;
using Xunit;

namespace QkvMigrate.Tests.Evidence;

public sealed class RowNormsTests : IDisposable
{
    private const int Rows = 5;

    /// <summary>No multiple of any vector's width, so that the last numbers of a row are not forgotten.</summary>
    private const int Columns = 37;

    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("float16", Columns)]
    [InlineData("bfloat16", Columns)]
    [InlineData("float32", Columns)]
    [InlineData("float64", Columns)]
    [InlineData("float16", 11)]
    [InlineData("float64", 11)]
    public void Agrees_with_the_definition(string dtype, int columns)
    {
        var random = new Random(7);
        var values = Enumerable.Range(0, Rows * Columns).Select(_ => (random.NextDouble() - 0.5) * 1e-3).ToArray();
        values[3] = 1e-7;
        var stored = values.Select(value => Stored(dtype, value)).ToArray();
        File.WriteAllBytes(path, [.. stored.SelectMany(item => item.Bytes)]);
        using var source = SourceFile.Open(path);
        var tensor = new TensorEntry(new ContainerEntry("", []), null, "w", DType.ByName(dtype)!, [Rows, Columns], [Columns, 1], new StorageEntry(source, "0", 0, source.Length), 0);

        var norms = RowNorms.Read(source, tensor, EvidenceSample.All with { Columns = columns }, TestContext.Current.CancellationToken);

        Assert.True(RowNorms.CanRead(tensor));
        for (var row = 0; row < Rows; row++)
        {
            var expected = Math.Log(Math.Sqrt(stored.Skip(row * Columns).Take(columns).Sum(item => item.Value * item.Value)));
            Assert.Equal(expected, norms[row], 1e-6);
        }
    }

    [Fact]
    public void Rows_that_are_not_in_the_sample_are_no_numbers()
    {
        File.WriteAllBytes(path, [.. MemoryMarshal.AsBytes(new float[] { 1, 2, 3, 4, 5, 6, 7, 8 }.AsSpan())]);
        using var source = SourceFile.Open(path);
        var tensor = new TensorEntry(new ContainerEntry("", []), null, "w", DType.ByName("float32")!, [8, 1], [1, 1], new StorageEntry(source, "0", 0, source.Length), 0);

        var norms = RowNorms.Read(source, tensor, EvidenceSample.All with { Rows = 4 }, TestContext.Current.CancellationToken);

        // Every second row would be read, but 2 divides 8: a period of two rows would show one of its rows alone.
        Assert.Equal([Math.Log(1), double.NaN, double.NaN, Math.Log(4), double.NaN, double.NaN, Math.Log(7), double.NaN], norms);
    }

    private static (double Value, byte[] Bytes) Stored(string dtype, double value)
    {
        switch (dtype)
        {
            case "float16":
                var half = (Half)value;
                return ((double)half, BitConverter.GetBytes(half));
            case "bfloat16":
                var bits = BitConverter.SingleToUInt32Bits((float)value) & 0xffff0000;
                return (BitConverter.UInt32BitsToSingle(bits), BitConverter.GetBytes((ushort)(bits >> 16)));
            case "float32":
                return ((float)value, BitConverter.GetBytes((float)value));
            default:
                return (value, MemoryMarshal.AsBytes(new[] { value }.AsSpan()).ToArray());
        }
    }
}
