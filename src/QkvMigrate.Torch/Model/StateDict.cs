using QkvMigrate.Checkpoints;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// The state dict of a LitGPT model in a checkpoint: the tensors of one container whose keys have one prefix
/// (<c>{"model": ...}</c>, <c>_orig_mod.</c>, <c>module.</c>, and the like), by their names without it.
/// </summary>
internal sealed class StateDict
{
    private const string Landmark = "transformer.wte.weight";

    private readonly Dictionary<string, TensorEntry> tensors;

    private StateDict(Dictionary<string, TensorEntry> tensors) => this.tensors = tensors;

    /// <summary>The names, in no order.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>Finds the state dict by the token embedding, which every model has.</summary>
    /// <exception cref="MigrationException">There is none, or more than one.</exception>
    public static StateDict Find(Checkpoint checkpoint)
    {
        var found = checkpoint.Tensors.Where(tensor => Prefix(tensor) is not null).ToList();
        return found switch
        {
            [var landmark] => Below(checkpoint, landmark.Container, Prefix(landmark)!),
            [] => throw new MigrationException(
                FailureKind.Unsupported,
                $"no '{Landmark}': this is no whole LitGPT model; adapters and LoRA weights are merged into their base first"),
            [var first, var second, ..] => throw new MigrationException(FailureKind.Unsupported, $"more than one model: '{first.Label}' and '{second.Label}'"),
        };
    }

    /// <summary>The tensor of a name, or null.</summary>
    public TensorEntry? Get(string name) => tensors.GetValueOrDefault(name);

    private static string? Prefix(TensorEntry tensor) =>
        tensor.Name?.Text is { } key
            && key.EndsWith(Landmark, StringComparison.Ordinal)
            && (key.Length == Landmark.Length || key[^(Landmark.Length + 1)] == '.')
            ? key[..^Landmark.Length]
            : null;

    private static StateDict Below(Checkpoint checkpoint, ContainerEntry container, string prefix)
    {
        var below = new Dictionary<string, TensorEntry>();
        foreach (var tensor in checkpoint.Tensors)
        {
            if (tensor.Container == container && tensor.Name?.Text is { } key && key.StartsWith(prefix, StringComparison.Ordinal))
            {
                below[key[prefix.Length..]] = tensor;
            }
        }

        return new StateDict(below);
    }
}
