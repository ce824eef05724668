using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Lora;

/// <summary>One weight's update; its matrices wait on the device, in the type that is computed in.</summary>
internal sealed class TorchLowRankUpdate : ILowRankUpdate
{
    private readonly Tensor a;
    private readonly Tensor b;
    private readonly double scaling;
    private readonly ScalarType weight;
    private readonly ScalarType computed;
    private readonly Device device;
    private readonly long rowBytes;

    public TorchLowRankUpdate(LoraMatrix a, LoraMatrix b, double scaling, DType weight, Device device)
    {
        this.scaling = scaling;
        this.device = device;
        this.weight = TorchLowRankUpdater.TypeOf(weight);
        rowBytes = a.Columns * weight.ItemSize;
        computed = this.weight == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        using var scope = NewDisposeScope();
        this.a = ToDevice(a.Bytes.Span, a.Rows, a.Columns, TorchLowRankUpdater.TypeOf(a.DType));
        this.b = ToDevice(b.Bytes.Span, b.Rows, b.Columns, TorchLowRankUpdater.TypeOf(b.DType));
        this.a.DetachFromDisposeScope();
        this.b.DetachFromDisposeScope();
    }

    /// <exception cref="MigrationException">libtorch refuses, as where the device has no memory left.</exception>
    public void AddTo(Span<byte> rows, long rowOfB, long rowOfA)
    {
        try
        {
            Add(rows, rowOfB, rowOfA);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {device}: no sum of {rows.Length} bytes");
        }
    }

    public void Dispose()
    {
        a.Dispose();
        b.Dispose();
    }

    private void Add(Span<byte> rows, long rowOfB, long rowOfA)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var columns = a.shape[1];
        var count = rows.Length / rowBytes;
        var product = b.narrow(0, rowOfB, count).matmul(a.narrow(0, rowOfA, b.shape[1]));
        var sum = Scalars.With(scaling, product.mul_).PlusInPlace(ToDevice(rows, count, columns, weight));
        sum.to_type(weight).cpu().bytes.CopyTo(rows);
    }

    private Tensor ToDevice(ReadOnlySpan<byte> bytes, long rows, long columns, ScalarType stored)
    {
        var tensor = empty([rows, columns], stored);
        if (bytes.Length > 0)
        {
            bytes.CopyTo(tensor.bytes);
        }

        return tensor.to(device).to_type(computed);
    }
}
