using QkvMigrate.FilePlans;
using QkvMigrate.Planning;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>What a plan comes to in numbers, before a byte of it is written.</summary>
public sealed class PlanCountsTests : IDisposable
{
    private const string Weight = "transformer.h.0.attn.attn.weight";
    private const string Bias = "transformer.h.0.attn.attn.bias";

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The rows of the matrix are dense, and an engine permutes them; the elements of the bias have gaps between them, and each is copied by itself.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rows_that_move_by_copies_are_reordered_bytes(bool isBefore16)
    {
        var model = new StateDict([new(Weight, 0, [32, 5], [5, 1]), new(Bias, 1, [32], [2], Offset: 3)], [32 * 5, 70]);

        var (changes, output) = Plan(isBefore16 ? model.ToFileBefore16() : model.ToFile());

        Assert.Equal((2, 2, 0), (changes.ChangedTensors, changes.ReorderedTensors, changes.UntouchedTensors));
        Assert.Equal((32 * 5 * sizeof(float)) + (32 * sizeof(float)), changes.ReorderedBytes);
        Assert.Equal(output.Length, changes.OutputBytes);
        Assert.Equal(output.Length, changes.ReorderedBytes + changes.CopiedBytes + output.Segments.OfType<LiteralSegment>().Sum(segment => segment.Length));
    }

    /// <summary>Two names of one view are moved once.</summary>
    [Fact]
    public void Tied_rows_are_counted_once()
    {
        var model = new StateDict([new(Bias, 0, [32], [2]), new("transformer.h.1.attn.attn.bias", 0, [32], [2])], [64]);

        var (changes, _) = Plan(model.ToFile());

        Assert.Equal((2, 32L * sizeof(float)), (changes.ReorderedTensors, changes.ReorderedBytes));
    }

    private (PlanCounts Changes, FilePlan Output) Plan(byte[] file)
    {
        File.WriteAllBytes(folder.At("lit_model.pth"), file);
        var request = new MigrationRequest
        {
            Path = folder.At("lit_model.pth"),
            Direction = MigrationDirection.Upgrade,
            Geometry = new(4, 2, 4),
            DryRun = true,
            Engine = () => throw new InvalidOperationException("a plan needs no engine"),
        };
        var report = Assert.Single(Migrator.Run(request, TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return (report.Changes!, report.Plan!.Rewrite!.Output);
    }
}
