using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Planning.Lora;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>Each advice is given where it holds, and nowhere else.</summary>
public sealed class AdviceRulesTests
{
    private const string Block = "transformer.h.0.attn.";
    private const string Gqa = "n_embd: 8\nn_head: 4\nn_query_groups: 2\nhead_size: 2\n";
    private const string Mqa = "n_embd: 12\nn_head: 6\nn_query_groups: 1\nhead_size: 2\n";

    [Fact]
    public void A_legacy_base_is_told_of_fine_tuning_and_of_tensor_parallel_generation()
    {
        var advice = AdviceOn(Gqa, $"{Block}attn.weight");
        Assert.Equal(["lora-finetuning-random-init", "tensor-parallel-splits-fused-rows"], advice.Select(note => note.Code));
        Assert.All(advice, note => Assert.True(note.IsGeneral), throwIfEmpty: true);
    }

    [Fact]
    public void A_sequential_base_is_told_of_tensor_parallel_generation() =>
        Assert.Equal(["tensor-parallel-splits-fused-rows"], AdviceOn(Gqa, $"{Block}qkv.weight").Select(note => note.Code));

    [Theory]
    [InlineData("gating_factor")]
    [InlineData("adapter_wte.weight")]
    public void Adapter_v1_is_told_that_it_behaves_differently(string tensor)
    {
        Assert.Equal(["adapter-v1-behaves-differently"], AdviceOn(Gqa, Block + tensor).Select(note => note.Code));
        Assert.False(Assert.Single(AdviceOn(Gqa, Block + tensor)).IsGeneral);
    }

    [Fact]
    public void Adapter_v1_of_multi_query_attention_is_not() =>
        Assert.DoesNotContain(AdviceOn(Mqa, $"{Block}attn.weight", $"{Block}gating_factor"), note => note.Code == "adapter-v1-behaves-differently");

    [Fact]
    public void A_downgrade_is_told_nothing() =>
        Assert.Empty(AdviceOn(Gqa, MigrationDirection.Downgrade, $"{Block}qkv.weight", $"{Block}gating_factor"));

    private static IReadOnlyList<Advice> AdviceOn(string configuration, params string[] names) =>
        AdviceOn(configuration, MigrationDirection.Upgrade, names);

    /// <summary>The advice on a file with these tensors, each of 16 rows.</summary>
    private static IReadOnlyList<Advice> AdviceOn(string configuration, MigrationDirection direction, params string[] names)
    {
        using var folder = new LoraFolder();
        folder.Write([.. names.Select((name, number) => StoredTensor.Floats(name, [.. Enumerable.Range(100 * number, 16).Select(value => (float)value)], [16, 1], number))], configuration, null);
        var report = folder.Plan(direction);
        Assert.Null(report.Error);
        return report.Advice;
    }
}
