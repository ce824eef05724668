using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// A linear layer's LoRA by the verifier's own reading: <c>delta = lora_B·lora_A</c> (litgpt/lora.py, <c>LoRALinear</c>,
/// <c>LoRAQKVLinear</c>).
/// </summary>
/// <param name="A"><c>lora_A</c>, shape <c>(blocks·r, in_features)</c>.</param>
/// <param name="B"><c>lora_B</c>, shape <c>(out_features of the blocks, r)</c>.</param>
/// <param name="IndexA">The number of <c>lora_A</c> among the file's tensors.</param>
/// <param name="IndexB">The number of <c>lora_B</c>.</param>
/// <param name="IsFused">Whether it is the fused attention's: a block for each of q, k and v that has LoRA.</param>
internal sealed record LoraPair(TensorEntry A, TensorEntry B, int IndexA, int IndexB, bool IsFused)
{
    private const string NameA = "lora_A";
    private const string NameB = "lora_B";

    /// <summary>The path of the layer that has it.</summary>
    public string Module => NameOf(A)[..^(NameA.Length + 1)];

    /// <summary>LitGPT's <c>lora_r</c>.</summary>
    public long Rank => B.Shape[1];

    /// <summary>Blocks of A: how many of q, k and v have LoRA, or 1 in any other layer.</summary>
    public long BlockCount => A.Shape[0] / Rank;

    /// <summary>The pairs of a checkpoint, in its order; what has no partner or is no matrix is not among them.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="layout">The file's layout, which says what the fused module is called.</param>
    public static List<LoraPair> Of(Checkpoint checkpoint, VerifiedLayout layout)
    {
        var partners = new Dictionary<(ContainerEntry, string), int>();
        var pairs = new List<LoraPair>();
        for (var i = 0; i < checkpoint.Tensors.Count; i++)
        {
            var tensor = checkpoint.Tensors[i];
            if (ModuleOf(tensor.Name?.Text) is not { } module)
            {
                continue;
            }

            if (!partners.TryAdd((tensor.Container, module), i) && partners[(tensor.Container, module)] is var other)
            {
                var isA = tensor.Name!.Text.EndsWith(NameA, StringComparison.Ordinal);
                var (a, b) = isA ? (i, other) : (other, i);
                var isFused = FusedName.Find(module, layout) is { Suffix.Length: 0 };
                var pair = new LoraPair(checkpoint.Tensors[a], checkpoint.Tensors[b], a, b, isFused);
                if (pair is { A.Shape: [var rows, _], B.Shape: [_, > 0 and var rank] } && rows >= rank && rows % rank == 0)
                {
                    pairs.Add(pair);
                }
            }
        }

        return pairs;
    }

    private static string NameOf(TensorEntry tensor) => tensor.Name!.Text;

    private static string? ModuleOf(string? name) =>
        name is not null && (name.EndsWith($".{NameA}", StringComparison.Ordinal) || name.EndsWith($".{NameB}", StringComparison.Ordinal))
            ? name[..^(NameA.Length + 1)]
            : null;
}
