using QkvMigrate.Checkpoints;

namespace QkvMigrate.Exporting;

/// <summary>What the element types of weights can be, and become.</summary>
internal static class ElementTypes
{
    private static readonly HashSet<string> FloatingPoint = ["float64", "float32", "float16", "bfloat16"];

    /// <summary>The types to which weights are converted, by their names.</summary>
    public static IReadOnlyList<string> Targets { get; } = ["float32", "float16", "bfloat16"];

    /// <summary>Whether elements are floating point numbers that safetensors has, and that can be converted.</summary>
    public static bool IsFloatingPoint(DType dtype) => FloatingPoint.Contains(dtype.Name);
}
