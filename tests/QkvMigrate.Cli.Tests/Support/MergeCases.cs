using System.Text.Json;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>A LoRA and its base, which PyTorch wrote.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Base">The base's file.</param>
/// <param name="Adapter">The directory of the LoRA.</param>
/// <param name="Geometry">The true geometry.</param>
/// <param name="Pre900">Whether it is of the early era.</param>
/// <param name="Exact">Whether float32 computes the merge without a loss.</param>
/// <param name="Whole">Whether the base is in the same file.</param>
/// <param name="Merged">The merged file, for the judge.</param>
internal sealed record MergeCase(string Name, string Base, string Adapter, JsonElement Geometry, bool Pre900, bool Exact, bool Whole, string? Merged = null);

/// <summary>All LoRAs that are merged, made once per test class by PyTorch (<c>tests/fixtures/merge_cases.py</c>).</summary>
public sealed class MergeCases : IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly Lazy<IReadOnlyList<MergeCase>> _cases;

    public MergeCases() => _cases = new(Make);

    internal IReadOnlyList<MergeCase> All => _cases.Value;

    internal MergeCase this[string name] => All.Single(one => one.Name == name);

    /// <summary>The directory with the LoRAs of an era, or with those that have their base in the same file.</summary>
    internal string Tree(string name)
    {
        Assert.NotEmpty(All);
        return _folder.At(name);
    }

    public void Dispose() => _folder.Dispose();

    private List<MergeCase> Make()
    {
        var made = PyTorch.Run("merge_cases.py", _folder.Path);
        Assert.True(made.ExitCode == 0, made.Error);
        using var file = File.OpenRead(_folder.At("cases.json"));
        return JsonSerializer.Deserialize<List<MergeCase>>(file, JsonSerializerOptions.Web)!;
    }
}
