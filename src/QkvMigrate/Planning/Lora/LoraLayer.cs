using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Lora;

/// <summary>A linear layer's LoRA: <c>delta = lora_B·lora_A</c>, section by section where the layer is the fused attention.</summary>
/// <param name="Path">The layer's module path.</param>
/// <param name="A"><c>lora_A</c>, shape <c>(r, in_features)</c>; <c>(enabled·r, in_features)</c> in the fused attention.</param>
/// <param name="B"><c>lora_B</c>, shape <c>(out_features, r)</c>; <c>(rows of the enabled sections, r)</c> in the fused attention.</param>
/// <param name="IsFused">Whether it is the fused attention's.</param>
public sealed record LoraLayer(string Path, TensorEntry A, TensorEntry B, bool IsFused)
{
    private const string SuffixA = ".lora_A";
    private const string SuffixB = ".lora_B";

    /// <summary>LitGPT's <c>lora_r</c>.</summary>
    public long Rank => B.Shape[1];

    /// <summary>How many of q, k and v have LoRA, by the rows of lora_A; 1 in any other layer.</summary>
    public long SectionCount => A.Shape[0] / Rank;

    /// <summary>Finds the layers, in the checkpoint's order.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="module">The fused module's name in it.</param>
    /// <exception cref="MigrationException">One half of a pair is missing, or the two do not fit together.</exception>
    public static IReadOnlyList<LoraLayer> Find(Checkpoint checkpoint, string module)
    {
        var found = new Dictionary<(ContainerEntry, string), (TensorEntry? A, TensorEntry? B)>();
        foreach (var tensor in checkpoint.Tensors)
        {
            if (tensor.Name?.Text is { } name && (name.EndsWith(SuffixA, StringComparison.Ordinal) || name.EndsWith(SuffixB, StringComparison.Ordinal)))
            {
                var key = (tensor.Container, name[..^SuffixA.Length]);
                var pair = found.GetValueOrDefault(key);
                found[key] = name.EndsWith(SuffixA, StringComparison.Ordinal) ? (tensor, pair.B) : (pair.A, tensor);
            }
        }

        return [.. found.Select(pair => Of(pair.Key.Item2, pair.Value.A, pair.Value.B, module))];
    }

    private static LoraLayer Of(string path, TensorEntry? a, TensorEntry? b, string module)
    {
        if (a is null || b is null)
        {
            throw new MigrationException(
                FailureKind.Malformed,
                $"it stands without its {(a is null ? SuffixA[1..] : SuffixB[1..])}",
                where: $"tensor '{(a ?? b)?.Label}'");
        }

        var isFused = FusedNames.TrySplit(path, module, out _, out var rest) && rest.Length == 0;
        return a.Shape is [var rows, _] && b.Shape is [_, > 0 and var rank] && a.DType == b.DType
            && (isFused ? rows % rank == 0 && rows / rank is >= 1 and <= 3 : rows == rank)
            ? new LoraLayer(path, a, b, isFused)
            : throw new MigrationException(
                FailureKind.Geometry,
                $"{a.DType} ({string.Join(", ", a.Shape)}) and lora_B's {b.DType} ({string.Join(", ", b.Shape)}) make no LoRA: "
                + $"lora_A has {(isFused ? "1, 2 or 3 times " : "")}as many rows as lora_B has columns",
                where: $"tensor '{a.Label}'");
    }
}
