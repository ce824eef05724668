using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>Knows by their names values that are parameters, and no copies of any, though they stand outside of a model's names.</summary>
internal static class ParameterWords
{
    /// <summary>What modules call their own parameters, where the module's name stands around them.</summary>
    private static readonly HashSet<string> Words = ["weight", "bias", "kernel", "embedding", "scale"];

    /// <summary>Whether a tensor is called as a module calls its own parameter.</summary>
    public static bool IsModulesOwn(TensorEntry tensor) =>
        tensor.Name is { Text: var word } && Words.Contains(word) && UnnamedTensors.Around(tensor).Count == 0;

    /// <summary>Whether a value has a parameter's name, or is a part of an object that has one.</summary>
    public static bool IsNamed(string label)
    {
        var whole = label.IndexOf("/(", StringComparison.Ordinal) is >= 0 and var part ? label[..part] : label;
        var step = whole[(whole.LastIndexOf('/') + 1)..];
        return Words.Contains(step) || (step.Contains('.', StringComparison.Ordinal) && !UnnamedTensors.IsEnd(step) && !UnnamedTensors.IsNumber(step));
    }
}
