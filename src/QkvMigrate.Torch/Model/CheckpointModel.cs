using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Loads LitGPT's model from a checkpoint file, in the layout that the file is in.</summary>
internal static class CheckpointModel
{
    /// <summary>Loads the model.</summary>
    /// <param name="path">The checkpoint file.</param>
    /// <param name="configuration">What the model is made of.</param>
    /// <param name="precision">What it computes in.</param>
    /// <param name="device">Where it computes.</param>
    /// <exception cref="MigrationException">The file is no whole LitGPT model, or not the one that <paramref name="configuration"/> describes.</exception>
    public static Gpt Load(string path, ModelConfiguration configuration, ModelPrecision precision, ComputeDevice device)
    {
        using var checkpoint = Checkpoint.Open(path);
        try
        {
            var layout = AttentionScan.Of(checkpoint).Layout;
            if (!layout.IsLitGpts)
            {
                throw new MigrationException(FailureKind.Unsupported, "no LitGPT model: neither attn.attn nor attn.qkv stands in it");
            }

            var source = new CheckpointParameters(checkpoint, precision == ModelPrecision.Full ? ScalarType.Float32 : null, TorchDevices.Resolve(device));
            var model = new Gpt(configuration, layout, source);
            try
            {
                source.RefuseOthers();
                return model;
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }
}
