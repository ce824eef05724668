using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Lora;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Lora;

/// <summary>What is added to a weight's rows, to the last bit.</summary>
public sealed class TorchLowRankUpdaterTests
{
    private static readonly float[] A = [1, 2, 3, -4, 5, 6, 7, 8, -9, 10, 11, 12];
    private static readonly float[] B = [1, -2, 3, 4, 5, -6];

    [Theory]
    [InlineData("cpu", 0, 0, new float[] { 9, -8, -9, -13, 26, 33 })]
    [InlineData("cpu", 1, 2, new float[] { 61, 68, 21, -25, -26, -117 })]
    [InlineData("cuda", 0, 0, new float[] { 9, -8, -9, -13, 26, 33 })]
    [InlineData("cuda", 1, 2, new float[] { 61, 68, 21, -25, -26, -117 })]
    public void Rows_of_B_are_multiplied_with_their_rows_of_A(string device, int rowOfB, int rowOfA, float[] delta) => LiveTensors.AreGoneAfter(() =>
    {
        float[] weight = [100, 200, 300, 400, 500, 600];
        var rows = MemoryMarshal.AsBytes(weight.AsSpan()).ToArray();
        var updater = TorchLowRankUpdater.Create(CudaTest.Device(device));
        using (var update = updater.Begin(Matrix(A, 3), Matrix(B, 2), 0.5, DType.ByName("float32")!))
        {
            update.AddTo(rows, rowOfB, rowOfA);
        }

        Assert.Equal(weight.Zip(delta, (one, other) => one + (other / 2)), MemoryMarshal.Cast<byte, float>(rows).ToArray());
    });

    [Theory]
    [InlineData("float16", 2048, 1, 2048)] // Halfway between 2048 and 2050: to the even one.
    [InlineData("float16", 2048, 3, 2052)]
    [InlineData("float16", 2048, 2, 2050)]
    [InlineData("bfloat16", 256, 1, 256)]
    [InlineData("bfloat16", 256, 3, 260)]
    [InlineData("bfloat16", -256, -3, -260)]
    [InlineData("float32", 16777216, 1, 16777216)]
    [InlineData("float32", 16777216, 3, 16777220)]
    [InlineData("float64", 16777216, 1, 16777217)]
    public void Sums_are_rounded_to_the_weights_type_halves_to_even(string dtype, float weight, float delta, double expected)
    {
        var type = DType.ByName(dtype)!;
        var row = Bytes(weight, type);
        var updater = TorchLowRankUpdater.Create(ComputeDevice.Cpu);
        using var update = updater.Begin(Matrix([delta], 1), Matrix([1], 1), 1, type);
        update.AddTo(row, 0, 0);
        Assert.Equal(expected, Number(row, type));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("cuda")]
    public void Factors_of_another_type_lose_nothing_before_they_are_multiplied(string device)
    {
        // 1 + 2^-10 is a float16, and the square of it no bfloat16 and no float16.
        var factor = new LoraMatrix(DType.ByName("float16")!, 1, 1, BitConverter.GetBytes((Half)(1 + (1.0 / 1024))));
        var row = BitConverter.GetBytes(0f);
        var updater = TorchLowRankUpdater.Create(CudaTest.Device(device));
        using var update = updater.Begin(factor, factor, 1, DType.ByName("float32")!);
        update.AddTo(row, 0, 0);
        Assert.Equal(1 + (2.0 / 1024) + (1.0 / 1048576), BitConverter.ToSingle(row));
    }

    [Fact]
    public void Types_that_are_no_numbers_with_fractions_are_refused()
    {
        var updater = TorchLowRankUpdater.Create(ComputeDevice.Cpu);
        var error = Assert.Throws<ArgumentException>(() => updater.Begin(Matrix([1], 1), Matrix([1], 1), 1, DType.ByName("int8")!));
        Assert.StartsWith("elements of int8, which are no floating point numbers", error.Message, StringComparison.Ordinal);
    }

    /// <summary>As a merge with <c>--jobs</c> meets them: what one thread allocates is collected while another is in libtorch.</summary>
    [Fact]
    public void Collections_on_another_thread_change_no_number()
    {
        using var done = new CancellationTokenSource();
        var collector = new Thread(() => CollectUntil(done.Token));
        collector.Start();
        try
        {
            var updater = TorchLowRankUpdater.Create(ComputeDevice.Cpu);
            using var update = updater.Begin(Matrix([3], 1), Matrix([5], 1), 0.5, DType.ByName("float32")!);
            for (var turn = 0; turn < 20_000; turn++)
            {
                var row = BitConverter.GetBytes((float)turn);
                update.AddTo(row, 0, 0);
                Assert.Equal(turn + 7.5f, BitConverter.ToSingle(row));
            }
        }
        finally
        {
            done.Cancel();
            collector.Join();
        }
    }

    private static void CollectUntil(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
        }
    }

    private static LoraMatrix Matrix(float[] values, int columns) =>
        new(DType.ByName("float32")!, values.Length / columns, columns, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static byte[] Bytes(float value, DType type) => type.Name switch
    {
        "float64" => BitConverter.GetBytes((double)value),
        "float32" => BitConverter.GetBytes(value),
        "float16" => BitConverter.GetBytes((Half)value),
        _ => BitConverter.GetBytes(value)[2..],
    };

    private static double Number(byte[] bytes, DType type) => type.Name switch
    {
        "float64" => BitConverter.ToDouble(bytes),
        "float32" => BitConverter.ToSingle(bytes),
        "float16" => (double)BitConverter.ToHalf(bytes),
        _ => BitConverter.ToSingle([0, 0, .. bytes]),
    };
}
