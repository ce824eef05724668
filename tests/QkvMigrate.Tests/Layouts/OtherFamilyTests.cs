using QkvMigrate.Attention;
using QkvMigrate.Folders;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Layouts;

/// <summary>Families that are not LitGPT's: recognised, described, and left alone.</summary>
public sealed class OtherFamilyTests : IDisposable
{
    private const int HeadSize = 2;

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Hugging_faces_gpt_neox_has_q_k_and_v_of_each_head_in_turn()
    {
        Write("gpt_neox.layers.{0}.attention.query_key_value", "gpt_neox.layers.{0}.attention.dense", heads: 3, groups: 3);
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), """{"model_type": "gpt_neox", "num_attention_heads": 3, "hidden_size": 6}""");
        var report = Assert.Single(Inspector.Run(folder.Path, new GeometryFlags(), CheckpointSelection.All, withEvidence: false, TestContext.Current.CancellationToken));
        Check(report, "gpt-neox", "attention.query_key_value", new AttentionGeometry(3, 3, HeadSize));
        Assert.Equal(
            ["Query 0", "Key 0", "Value 0", "Query 1", "Key 1", "Value 1", "Query 2", "Key 2", "Value 2"],
            report.Layout!.Rows!.Blocks(report.Geometry!).Select(block => $"{block.Section} {block.Head}"));
    }

    [Fact]
    public void Megatron_core_has_the_query_groups_of_legacy_litgpt()
    {
        Write("decoder.layers.{0}.self_attention.linear_qkv", "decoder.layers.{0}.self_attention.linear_proj", heads: 4, groups: 2);
        var report = Assert.Single(Inspector.Run(folder.Path, new GeometryFlags { HeadSize = HeadSize }, CheckpointSelection.All, withEvidence: false, TestContext.Current.CancellationToken));
        Check(report, "megatron-core", "self_attention.linear_qkv", new AttentionGeometry(4, 2, HeadSize));
        Assert.Equal(RowOrder.Interleaved.Blocks(report.Geometry!), report.Layout!.Rows!.Blocks(report.Geometry!));
    }

    [Fact]
    public void Words_name_one_family_each()
    {
        var names = LayoutFamilies.All.Append(LayoutFamilies.None).Select(family => family.Name).ToList();
        Assert.Equal(["interleaved", "sequential", "foreign", "gpt-neox", "megatron-core", "none"], names);
        Assert.Equal(names, names.Select(name => LayoutFamilies.Named(name)!.Name));
        Assert.Null(LayoutFamilies.Named("Interleaved"));
    }

    private static void Check(CheckpointReport report, string name, string module, AttentionGeometry geometry)
    {
        Assert.Null(report.Error);
        Assert.Equal(CheckpointStatus.Unchanged, report.Status);
        Assert.Equal(name, report.Layout!.Name);
        Assert.Equal(geometry, report.Geometry);
        Assert.Contains(module, report.Layout.Description, StringComparison.Ordinal);
        Assert.EndsWith("is not LitGPT's", report.Layout.NothingToDo, StringComparison.Ordinal);
    }

    /// <summary>A safetensors file of two layers, each with a fused matrix and bias and a projection.</summary>
    private void Write(string fused, string projection, int heads, int groups)
    {
        var (rows, width) = ((heads + (2 * groups)) * HeadSize, heads * HeadSize);
        var tensors = new List<(string Name, string Type, int[] Shape)>();
        foreach (var layer in (int[])[0, 1])
        {
            tensors.Add(($"{string.Format(null, fused, layer)}.weight", "F32", [rows, width]));
            tensors.Add(($"{string.Format(null, fused, layer)}.bias", "F32", [rows]));
            tensors.Add(($"{string.Format(null, projection, layer)}.weight", "F32", [width, width]));
        }

        var data = new byte[2 * sizeof(float) * ((rows * width) + rows + (width * width))];
        new Random(1).NextBytes(data);
        File.WriteAllBytes(folder.At("model.safetensors"), SafetensorsFile.Write(tensors, sizeof(float), data));
    }
}
