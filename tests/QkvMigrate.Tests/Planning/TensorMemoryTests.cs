using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Planning;

/// <summary>What is made of a checkpoint before its first byte is written: a large model has hundreds of tensors, and its upgrade no more memory than a small one's.</summary>
public sealed class TensorMemoryTests
{
    /// <summary>Bytes that are allocated for a tensor until its plan stands, those that are let go at once with them.</summary>
    private const long Most = 12_000;

    private static readonly AttentionGeometry Geometry = new(2, 2, 2);

    [Fact]
    public void A_tensor_takes_a_few_kilobytes_and_as_many_among_a_thousand_others()
    {
        var (few, many) = (Allocated(100), Allocated(1_100));
        Assert.InRange((many - few) / 1_000, 1, Most);
    }

    private static long Allocated(int tensors)
    {
        var shape = new[] { Geometry.FusedRows, 1L };
        var root = Dict(Enumerable.Range(0, tensors).Select(i =>
            ($"transformer.h.{i}.attn.attn.weight", Tensor(Storage(Text(i.ToString()), Geometry.FusedRows), 0, shape, [1, 1]))));
        var image = PyTorchZip.Add(new ZipImage(), "stem/data.pkl", Pickle(root));
        for (var i = 0; i < tensors; i++)
        {
            PyTorchZip.Add(image, $"stem/data/{i}", new byte[Geometry.FusedRows * sizeof(float)]);
        }

        using var folder = new WorkFolder();
        var path = folder.At("many.pth");
        File.WriteAllBytes(path, image.End(PyTorchZip.Tail).ToArray());
        Plan(path);

        // The first run has made what is made once.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Plan(path);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Plan(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var outline = MigrationPlanner.Outline(AttentionScan.Of(checkpoint), Conversion.Upgrade);
        var plan = MigrationPlanner.Plan(outline, new ResolvedGeometry(Geometry, "the test", []), new LoraOptions());
        Assert.Equal(checkpoint.Tensors.Count, plan.Moves.Count);
    }
}
