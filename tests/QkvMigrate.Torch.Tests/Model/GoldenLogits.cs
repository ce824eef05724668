using System.Text.Json;
using QkvMigrate.Testing;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>
/// What LitGPT's own legacy code made of a random model in <c>tests/golden</c>, in float32: a prompt, the logits at each of
/// its positions, and the greedy tokens behind it.
/// </summary>
internal sealed record GoldenLogits(int[] Tokens, float[][] Logits, int[] Greedy)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNameCaseInsensitive = true };

    public static IEnumerable<string> Names => Repository.Directories("tests", "golden");

    public static string Path(string name) => Repository.At("tests", "golden", name);

    public static GoldenLogits Read(string name) =>
        JsonSerializer.Deserialize<GoldenLogits>(File.ReadAllText(System.IO.Path.Combine(Path(name), "golden.json")), Options)!;
}
