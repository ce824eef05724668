using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Lora;

/// <summary>
/// Adds the deltas of LoRA by libtorch, as <c>LoRALinear.merge</c> does (litgpt/lora.py): the product, times the scaling,
/// plus the weight. Its tests run on CUDA where there is a device, and have met none so far.
/// </summary>
public sealed class TorchLowRankUpdater : ILowRankUpdater
{
    private readonly Device device;

    private TorchLowRankUpdater(Device device) => this.device = device;

    /// <summary>Loads libtorch and computes on the device; <c>auto</c> takes the first CUDA device where it is usable, else the CPU.</summary>
    /// <exception cref="MigrationException">libtorch does not load, or the CUDA device is not usable.</exception>
    public static TorchLowRankUpdater Create(ComputeDevice device)
    {
        var where = TorchDevices.Resolve(device);
        if (where.type == DeviceType.CUDA)
        {
            // TF32 has ten bits of a product's factors: no more than bfloat16 keeps, and less than float16 does.
            backends.cuda.matmul.allow_tf32 = false;
        }

        return new TorchLowRankUpdater(where);
    }

    /// <inheritdoc/>
    /// <exception cref="MigrationException">libtorch has no memory for the matrices.</exception>
    public ILowRankUpdate Begin(LoraMatrix a, LoraMatrix b, double scaling, DType weight)
    {
        try
        {
            return new TorchLowRankUpdate(a, b, scaling, weight, device);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {device}: no LoRA of ({b.Rows}, {b.Columns}) and ({a.Rows}, {a.Columns})");
        }
    }

    /// <summary>The type of elements of <paramref name="type"/>.</summary>
    internal static ScalarType TypeOf(DType type) =>
        TensorReader.Find(type) ?? throw new ArgumentException($"elements of {type}, which are no floating point numbers", nameof(type));
}
