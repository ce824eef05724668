using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>What the planner refuses by itself.</summary>
public sealed class MigrationPlannerTests : IDisposable
{
    private const string Weight = "transformer.h.0.attn.attn.weight";

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>A pickle may give one key twice.</summary>
    [Fact]
    public void A_new_name_that_is_taken_is_refused()
    {
        File.WriteAllBytes(folder.At("lit_model.pth"), new StateDict([new(Weight, 0, [32], [1]), new(Weight, 1, [32], [1])], [32, 32]).ToFile());
        using var checkpoint = Checkpoint.Open(folder.At("lit_model.pth"));
        var outline = MigrationPlanner.Outline(AttentionScan.Of(checkpoint), Conversion.Upgrade);

        var error = Assert.Throws<MigrationException>(() => MigrationPlanner.Plan(outline, new ResolvedGeometry(new(4, 2, 4), "test", []), new LoraOptions()));

        Assert.Equal(
            (FailureKind.Conflict, "the new name 'transformer.h.0.attn.qkv.weight' is already there", $"tensor '{Weight}'"),
            (error.Kind, error.Problem, error.Where));
    }
}
