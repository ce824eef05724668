using QkvMigrate.Reordering;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Torch.Generation;

/// <summary>Lets the model in a checkpoint continue a prompt, in the layout that the checkpoint is in.</summary>
public static class CheckpointGeneration
{
    /// <summary>Loads the model, generates, and lets the model go.</summary>
    /// <param name="location">The checkpoint and its configuration.</param>
    /// <param name="prompt">Token numbers, one at least.</param>
    /// <param name="options">How tokens are generated.</param>
    /// <param name="precision">What the model computes in.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="cancellation">Ends the work between two tokens.</param>
    /// <exception cref="MigrationException">
    /// The checkpoint is no whole LitGPT model, the prompt is not for it, or libtorch or the device is not there or refuses.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static GenerationResult Run(
        CheckpointLocation location,
        IReadOnlyList<int> prompt,
        GenerationOptions options,
        ModelPrecision precision,
        ComputeDevice device,
        CancellationToken cancellation)
    {
        try
        {
            using var model = CheckpointModel.Load(location.File, location.Configuration, precision, device);
            return TokenGenerator.Run(model, prompt, options, cancellation);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {device}").InFile(location.File);
        }
    }
}
