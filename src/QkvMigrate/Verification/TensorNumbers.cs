using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>What gives tensors numbers: a container, or what their keys are before the number.</summary>
/// <param name="Container">The container.</param>
/// <param name="Key">The beginning of the keys, without the dot behind it; empty for all that the container holds, at any depth.</param>
internal readonly record struct NumberSequence(ContainerEntry Container, string Key);

/// <summary>Which tensors have a number where parameters have a name.</summary>
internal static class TensorNumbers
{
    /// <summary>Steps upwards in which a number is looked for.</summary>
    public const int Around = 8;

    /// <summary>Whether a tensor has the numbers of weights.</summary>
    public static bool IsWeight(TensorEntry tensor) => tensor.DType.Name.Contains("float", StringComparison.Ordinal);

    /// <summary>Whether a tensor has several numbers, and a key that is no parameter's name.</summary>
    public static bool IsUnnamed(TensorEntry tensor) =>
        tensor.ElementCount > 1
        && (tensor.Name is not { Text: var key } || EndsInNumber(key) || IsCutOff(key) || !key.Contains('.', StringComparison.Ordinal));

    /// <summary>Whether a tensor of a model has a name, or one beside it.</summary>
    public static bool IsParameter(TensorEntry tensor) => tensor.Name is { Text: var key }
        ? !EndsInNumber(key) && !IsWordWithNumber(key)
        : tensor.Container.Texts.Count > 0;

    /// <summary>The sequences that a tensor has a number in, the nearest first.</summary>
    public static List<NumberSequence> SequencesOf(TensorEntry tensor)
    {
        var sequences = new List<NumberSequence>();
        if (tensor.Name is { Text: var name })
        {
            for (var key = name; EndsInNumber(key);)
            {
                var dot = key.LastIndexOf('.');
                key = dot < 0 ? "" : key[..dot];
                sequences.Add(new NumberSequence(tensor.Container, key));
            }
        }
        else
        {
            sequences.Add(new NumberSequence(tensor.Container, ""));
        }

        var at = tensor.Container;
        for (var i = 0; i < Around && at.Parent is { } outer; i++, at = outer)
        {
            if (at.IsNumbered || (at.Key is { Text: var key } && EndsInNumber(key)))
            {
                sequences.Add(new NumberSequence(outer, ""));
            }
        }

        // param_3 says as little as 3.
        if (tensor.Name is { Text: var word } && IsWordWithNumber(word) && !EndsInNumber(word))
        {
            sequences.Add(new NumberSequence(tensor.Container, ""));
        }

        return sequences;
    }

    /// <summary>Whether a value stands under a parameter's name, itself or as what an object under such a name was made of.</summary>
    public static bool IsNamed(string label)
    {
        var key = label.Split("/(")[0].Split('/')[^1];
        return key is "weight" or "bias" or "kernel" or "embedding" or "scale"
            || (key.Contains('.', StringComparison.Ordinal) && !EndsInNumber(key) && !IsCutOff(key));
    }

    /// <summary>Whether a key is a fused tensor's name without the block that it stands in: it does not say which one it is.</summary>
    private static bool IsCutOff(string key) => VerifiedLayouts.All.Any(layout =>
        key.StartsWith(layout.Module, StringComparison.Ordinal)
        && key.Length > layout.Module.Length
        && key[layout.Module.Length] == '.'
        && FusedAxis.TryFind(key[(layout.Module.Length + 1)..], 1, isAutoGptq: false, out _));

    private static bool IsWordWithNumber(string key) => key.Length > 0 && char.IsAsciiDigit(key[^1]) && !key.Contains('.', StringComparison.Ordinal);

    private static bool EndsInNumber(string key) =>
        key.AsSpan()[(key.LastIndexOf('.') + 1)..] is { Length: > 0 } last && !last.ContainsAnyExceptInRange('0', '9');
}
