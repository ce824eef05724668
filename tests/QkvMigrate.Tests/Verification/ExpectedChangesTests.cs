using QkvMigrate.Checkpoints;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>What the verifier takes from the names of two files.</summary>
public sealed class ExpectedChangesTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Names_of_both_layouts_in_the_first_file_are_refused()
    {
        using var both = Write("both.pth", "transformer.h.0.attn.attn.weight", "transformer.h.1.attn.qkv.weight");
        using var upgraded = Write("upgraded.pth", "transformer.h.0.attn.qkv.weight", "transformer.h.1.attn.qkv.weight");

        var error = Assert.Throws<MigrationException>(() => ExpectedChanges.Between(both, upgraded, told: null));

        Assert.Equal(
            (FailureKind.Conflict, "names of both layouts stand in one file, so what an upgrade of it must be is not known", folder.At("both.pth")),
            (error.Kind, error.Problem, error.File));
    }

    private Checkpoint Write(string name, string first, string second)
    {
        File.WriteAllBytes(folder.At(name), new StateDict([new(first, 0, [32], [1]), new(second, 1, [32], [1])], [32, 32]).ToFile());
        return Checkpoint.Open(folder.At(name));
    }
}
