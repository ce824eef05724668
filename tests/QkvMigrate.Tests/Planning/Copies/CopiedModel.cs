using QkvMigrate.Attention;
using QkvMigrate.Testing.Checkpoints;

namespace QkvMigrate.Tests.Planning.Copies;

/// <summary>A legacy model of two layers, 4 heads in 2 groups of 4 rows, with copies of its parameters under numbers.</summary>
internal static class CopiedModel
{
    public const string Copies = "shadow_params";
    private const int Columns = 5;
    private const int Rows = 32;

    public static AttentionGeometry Geometry { get; } = new(4, 2, 4);

    /// <summary>The same rows in one group of queries: only names change.</summary>
    public static AttentionGeometry OneGroup { get; } = new(6, 1, 4);

    /// <summary>The names and shapes of the model.</summary>
    public static IReadOnlyList<(string Name, int[] Shape)> Parameters { get; } =
    [
        ("transformer.wte.weight", [7, Columns]),
        ("transformer.h.0.attn.attn.weight", [Rows, Columns]),
        ("transformer.h.0.attn.attn.bias", [Rows]),
        ("transformer.h.1.attn.attn.weight", [Rows, Columns]),
        ("transformer.h.1.attn.attn.bias", [Rows]),
        ("transformer.ln_f.weight", [Columns]),
    ];

    /// <summary>The parameters that are fused, by their number.</summary>
    public static IEnumerable<int> Fused => Enumerable.Range(0, Parameters.Count).Where(i => Parameters[i].Name.Contains(".attn.attn.", StringComparison.Ordinal));

    /// <summary>The model with a tensor for each of <paramref name="copies"/>, which have the shapes of those parameters; behind them others.</summary>
    public static StateDict With(IEnumerable<int> copies, params (string Name, int[] Shape)[] others) =>
        Of([.. Parameters, .. copies.Select((parameter, number) => ($"{Copies}.{number}", Parameters[parameter].Shape)), .. others]);

    /// <summary>A file of dense tensors, each with a storage of its own.</summary>
    public static StateDict Of(IReadOnlyList<(string Name, int[] Shape)> tensors) => new(
        [.. tensors.Select((tensor, i) => new TestTensor(tensor.Name, i, tensor.Shape, tensor.Shape is [_, var columns] ? [columns, 1] : [1]))],
        [.. tensors.Select(tensor => tensor.Shape.Aggregate(1, (product, size) => product * size))]);
}
