using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Reads tensors of floating point numbers from checkpoint files.</summary>
internal static class TensorReader
{
    private const int ChunkBytes = 1 << 28;

    private static readonly Dictionary<string, ScalarType> Types = new()
    {
        ["float64"] = ScalarType.Float64,
        ["float32"] = ScalarType.Float32,
        ["float16"] = ScalarType.Float16,
        ["bfloat16"] = ScalarType.BFloat16,
    };

    /// <summary>The element type of <paramref name="entry"/>.</summary>
    /// <exception cref="MigrationException">It is none of floating point.</exception>
    public static ScalarType TypeOf(TensorEntry entry) =>
        Find(entry.DType) ?? throw Unsupported(entry, $"elements of {entry.DType}, expected {string.Join(", ", Types.Keys)}");

    /// <summary>TorchSharp's floating point type of this name, or null.</summary>
    public static ScalarType? Find(DType type) => Types.TryGetValue(type.Name, out var found) ? found : null;

    /// <summary>PyTorch's name of a floating point type.</summary>
    public static string NameOf(ScalarType type) => Types.First(known => known.Value == type).Key;

    /// <summary>The tensor on the CPU, as it is stored, its elements in the order of its shape whatever its strides are.</summary>
    /// <exception cref="MigrationException">It is of no floating point type, has more elements than its storage, or cannot be read.</exception>
    public static Tensor Read(SourceFile source, TensorEntry entry)
    {
        var type = TypeOf(entry);
        if (entry.ElementCount > entry.Storage.Length / entry.DType.ItemSize)
        {
            throw Unsupported(entry, $"{entry.ElementCount} elements, expanded from a storage of {entry.Storage.Length} bytes; no parameter is saved so");
        }

        using var scope = NewDisposeScope();
        var flat = empty(entry.Extent / entry.DType.ItemSize, type);
        var chunk = ChunkBytes / entry.DType.ItemSize;
        for (var start = 0L; start < flat.shape[0]; start += chunk)
        {
            using var part = flat.narrow(0, start, Math.Min(chunk, flat.shape[0] - start));
            source.Read(entry.FileOffset + (start * entry.DType.ItemSize), part.bytes);
        }

        return flat.as_strided([.. entry.Shape], [.. entry.Strides]).contiguous().MoveToOuterDisposeScope();
    }

    private static MigrationException Unsupported(TensorEntry entry, string problem) =>
        new(FailureKind.Unsupported, problem, where: $"tensor '{entry.Label}'");
}
