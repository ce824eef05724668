using QkvMigrate.Layouts;
using Xunit;

namespace QkvMigrate.Tests.Layouts;

/// <summary>Keys are cut at the fused module's name where it stands as whole components, at any depth.</summary>
public sealed class FusedNamesTests
{
    [Theory]
    [InlineData("attn.attn.weight", "", "weight")]
    [InlineData("transformer.h.0.attn.attn.weight", "transformer.h.0.", "weight")]
    [InlineData("_forward_module._orig_mod.module.model.transformer.h.11.attn.attn.linear.bias", "_forward_module._orig_mod.module.model.transformer.h.11.", "linear.bias")]
    [InlineData("transformer.h.0.attn.attn", "transformer.h.0.", "")]
    [InlineData("h.0.attn.attn.attnht", "h.0.", "attnht")]
    [InlineData("h.0.attn.attn.attn", "h.0.attn.", "")]
    [InlineData("attn.attn.attnx.attn", "", "attnx.attn")]
    [InlineData("transformer.h.0.attn._orig_mod.attn.weight", "transformer.h.0.", "weight")]
    [InlineData("transformer.h.0.attn.attn._checkpoint_wrapped_module.weight", "transformer.h.0.", "weight")]
    [InlineData("module.h.0.attn._fsdp_wrapped_module._fpw_module.attn._orig_mod.linear.module.weight", "module.h.0.", "linear.weight")]
    [InlineData("h.0._forward_module.attn.mod.attn._orig_mod", "h.0._forward_module.", "")]
    public void Cuts_at_the_module(string key, string prefix, string suffix)
    {
        Assert.True(FusedNames.TrySplit(key, LayoutFamilies.Interleaved.Module, out var foundPrefix, out var foundSuffix));
        Assert.Equal((prefix, suffix), (foundPrefix, foundSuffix));
    }

    [Theory]
    [InlineData("")]
    [InlineData("transformer.h.0.attn.proj.weight")]
    [InlineData("transformer.h.0.xattn.attn.weight")]
    [InlineData("transformer.h.0.attn.attnx.weight")]
    [InlineData("transformer.h.0.attn.qkv.weight")]
    [InlineData("attn_attn.weight")]
    [InlineData("_orig_mod.attn.weight")]
    [InlineData("attn.wrapper.attn.weight")]
    [InlineData("attn._orig_mod.weight")]
    public void Leaves_other_keys_alone(string key) =>
        Assert.False(FusedNames.TrySplit(key, LayoutFamilies.Interleaved.Module, out _, out _));

    [Theory]
    [InlineData("transformer.h.0.attn.attn.weight", "transformer.h.0.attn.qkv.weight")]
    [InlineData("transformer.h.0.attn.attn", "transformer.h.0.attn.qkv")]
    [InlineData("transformer.h.0.attn.proj", "transformer.h.0.attn.proj")]
    [InlineData("transformer.h.0.attn._orig_mod.attn.weight", "transformer.h.0.attn._orig_mod.qkv.weight")]
    [InlineData("attn.module.attn._orig_mod.linear._orig_mod.bias", "attn.module.qkv._orig_mod.linear._orig_mod.bias")]
    [InlineData("h.0.attn._checkpoint_wrapped_module.attn", "h.0.attn._checkpoint_wrapped_module.qkv")]
    [InlineData("h.0.attn._checkpoint_wrapped_module.proj", "h.0.attn._checkpoint_wrapped_module.proj")]
    public void Renames_there_and_back(string old, string young)
    {
        Assert.Equal(young, FusedNames.Renamed(old, LayoutFamilies.Interleaved, LayoutFamilies.Sequential));
        Assert.Equal(old, FusedNames.Renamed(young, LayoutFamilies.Sequential, LayoutFamilies.Interleaved));
    }

    [Theory]
    [InlineData("weight", 0)]
    [InlineData("adapter_scale", 0)]
    [InlineData("quant_weight", 0)]
    [InlineData("g_idx", null)]
    public void Says_along_which_dimension_rows_stand(string suffix, int? dimension) =>
        Assert.Equal(dimension, LayoutFamilies.Interleaved.Rule(suffix, new HashSet<string> { suffix })!.Dimension);

    [Fact]
    public void Scales_stand_along_the_last_dimension_beside_auto_GPTQ_weights()
    {
        Assert.Equal(0, LayoutFamilies.Interleaved.Rule("scales", new HashSet<string> { "scales", "quant_weight" })!.Dimension);
        Assert.Equal(-1, LayoutFamilies.Interleaved.Rule("scales", new HashSet<string> { "scales", "qweight" })!.Dimension);
    }

    [Fact]
    public void Knows_no_other_tensor() =>
        Assert.Null(LayoutFamilies.Interleaved.Rule("weight_v", new HashSet<string> { "weight_v" }));
}
