using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

public sealed class TensorReaderTests
{
    private const int Start = 13;

    [Theory]
    [InlineData(0, new long[] { 2, 3 }, new long[] { 3, 1 }, new float[] { 0, 1, 2, 3, 4, 5 })]
    [InlineData(2, new long[] { 2, 2 }, new long[] { 2, 1 }, new float[] { 2, 3, 4, 5 })]
    [InlineData(0, new long[] { 2, 3 }, new long[] { 1, 2 }, new float[] { 0, 2, 4, 1, 3, 5 })]
    [InlineData(1, new long[] { 2, 2 }, new long[] { 1, 3 }, new float[] { 1, 4, 2, 5 })]
    [InlineData(5, new long[] { }, new long[] { }, new float[] { 5 })]
    public void Elements_come_in_the_order_of_the_shape(int offset, long[] shape, long[] strides, float[] expected) => LiveTensors.AreGoneAfter(() =>
    {
        using var tensor = Read("float32", [.. Enumerable.Range(0, 6).SelectMany(number => BitConverter.GetBytes((float)number))], shape, strides, offset);
        Assert.Equal(shape, tensor.shape);
        Assert.Equal(expected, tensor.data<float>().ToArray());
    });

    [Theory]
    [InlineData("float64", new byte[] { 0, 0, 0, 0, 0, 0, 0xF8, 0x3F }, torch.ScalarType.Float64)]
    [InlineData("float32", new byte[] { 0, 0, 0xC0, 0x3F }, torch.ScalarType.Float32)]
    [InlineData("float16", new byte[] { 0, 0x3E }, torch.ScalarType.Float16)]
    [InlineData("bfloat16", new byte[] { 0xC0, 0x3F }, torch.ScalarType.BFloat16)]
    public void Every_floating_point_type_is_read(string dtype, byte[] oneAndAHalf, torch.ScalarType expected)
    {
        using var tensor = Read(dtype, oneAndAHalf, [1], [1]);
        Assert.Equal(expected, tensor.dtype);
        Assert.Equal(dtype, TensorReader.NameOf(tensor.dtype));
        Assert.Equal(1.5, tensor.to_type(torch.ScalarType.Float64).item<double>());
    }

    [Fact]
    public void Other_types_are_refused()
    {
        var error = Assert.Throws<MigrationException>(() => Read("int8", [1], [1], [1]));
        Assert.Equal((FailureKind.Unsupported, "tensor 'it': elements of int8, expected float64, float32, float16, bfloat16"), (error.Kind, error.Message));
    }

    [Fact]
    public void A_few_bytes_are_not_expanded_to_many()
    {
        var error = Assert.Throws<MigrationException>(() => Read("float32", new byte[8], [1L << 40, 2], [0, 1]));
        Assert.Equal("tensor 'it': 2199023255552 elements, expanded from a storage of 8 bytes; no parameter is saved so", error.Message);
    }

    private static torch.Tensor Read(string dtype, byte[] storage, long[] shape, long[] strides, int offset = 0)
    {
        using var folder = new WorkFolder();
        var path = folder.At("file");
        File.WriteAllBytes(path, [.. new byte[Start], .. storage]);
        using var source = SourceFile.Open(path);
        return TensorReader.Read(source, new TensorEntry(new ContainerEntry("", []), null, "it", DType.ByName(dtype)!, shape, strides, new StorageEntry(source, "0", Start, storage.Length), offset));
    }
}
