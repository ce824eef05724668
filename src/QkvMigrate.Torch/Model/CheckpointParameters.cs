using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Parameters from a checkpoint file, loaded as strictly as <c>load_state_dict(strict=True)</c> does.</summary>
internal sealed class CheckpointParameters : IParameterSource
{
    private readonly SourceFile source;
    private readonly StateDict state;
    private readonly ScalarType? compute;
    private readonly Device device;
    private readonly HashSet<string> taken = [];
    private TensorEntry? first;

    /// <param name="checkpoint">The file.</param>
    /// <param name="compute">The element type that parameters are turned into, or null to keep the one they are stored in.</param>
    /// <param name="device">Where they go.</param>
    /// <exception cref="MigrationException">The file has no LitGPT model, or more than one.</exception>
    public CheckpointParameters(Checkpoint checkpoint, ScalarType? compute, Device device)
    {
        source = checkpoint.Source;
        state = StateDict.Find(checkpoint);
        this.compute = compute;
        this.device = device;
    }

    /// <inheritdoc/>
    public Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        var entry = state.Get(name) ?? throw new MigrationException(FailureKind.Malformed, $"no tensor '{name}', which the configuration calls for");
        if (!shape.SequenceEqual([.. entry.Shape]))
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"shape ({string.Join(", ", entry.Shape)}), but the configuration calls for ({string.Join(", ", shape.ToArray())})",
                where: $"tensor '{entry.Label}'");
        }

        first ??= entry;
        if (compute is null && entry.DType != first.DType)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{entry.DType}, while '{first.Label}' is {first.DType}: a model of several types is computed in float32 only",
                where: $"tensor '{entry.Label}'");
        }

        taken.Add(name);
        using var scope = NewDisposeScope();
        var stored = TensorReader.Read(source, entry);
        return stored.to(compute ?? stored.dtype, device).MoveToOuterDisposeScope();
    }

    /// <summary>Refuses the checkpoint where it has a tensor that the model did not take.</summary>
    public void RefuseOthers()
    {
        if (state.Names.Where(name => !taken.Contains(name)).Order(StringComparer.Ordinal).ToList() is [var name, ..] others)
        {
            throw new MigrationException(
                FailureKind.Malformed,
                $"{others.Count} tensors that the configuration has no place for; the first is '{state.Get(name)!.Label}'");
        }
    }
}
