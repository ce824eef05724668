using QkvMigrate.Running;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>What is no model of Hugging Face's is refused in one line, and nothing is written.</summary>
public sealed class ExportRefusalTests
{
    private const string Whole = $"{ExportedFamilyTests.Outer}{ExportedFamilyTests.Gated}{ExportedFamilyTests.Normed}";

    [Theory]
    [InlineData("", "transformer.h.0.attn.qkv.lora_A 4 16\n", "tensor 'transformer.h.0.attn.qkv.lora_A': this has a LoRA in it; 'qkvmigrate upgrade --lora merge' makes a model of it that can be exported")]
    [InlineData("", "transformer.h.0.attn.gating_factor 1\n", "tensor 'transformer.h.0.attn.gating_factor': this has LitGPT's adapter (v1) in it, which Hugging Face's models have no place for; export the model that it was trained on")]
    [InlineData("", "transformer.h.0.attn.proj.adapter_bias 16\n", "tensor 'transformer.h.0.attn.proj.adapter_bias': this has LitGPT's adapter v2 in it, which Hugging Face's models have no place for; export the model that it was trained on")]
    [InlineData("", "transformer.h.0.mlp.fc_1.scales 24 1\n", "tensor 'transformer.h.0.mlp.fc_1.scales': this is quantized by GPTQ in a way that Hugging Face's models do not read; export the model that it was made from")]
    [InlineData("", "transformer.h.0.mlp.fc_1.weight.absmax 8\n", "tensor 'transformer.h.0.mlp.fc_1.weight.absmax': this is quantized by bitsandbytes; export the model that it was made from")]
    [InlineData("", "transformer.h.1.norm_1.weight 16\n", "tensor 'transformer.h.1.norm_1.weight': its configuration has no such parameter, so that Llama of Hugging Face's has no place for it")]
    [InlineData("n_layer: 2", "", "the model has no 'transformer.h.1.norm_1.weight', which its configuration asks for; it is half a model, or another one's configuration")]
    [InlineData("n_layer: 2000", "", "10 tensors are too few for 2000 layers, which the configuration gives")]
    [InlineData("intermediate_size: 20", "", "tensor 'transformer.h.0.mlp.fc_1.weight': it has shape (24, 16), but the configuration takes (20, 16)")]
    [InlineData("padded_vocab_size: 64", "", "tensor 'transformer.wte.weight': it has shape (32, 16), but the configuration takes (64, 16)")]
    [InlineData("scale_embeddings: true", "", "no model of Hugging Face's that this tool knows is built like 'mine'; the nearest is Llama, but scale_embeddings is true, expected false")]
    [InlineData("name: Gemma-2-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", "", "the model's name 'Gemma-2-2b' is one of Gemma 2, but post_attention_norm is false, expected true")]
    [InlineData("latent_attention: {q_lora_rank: 8}", "", "no family of Hugging Face's that this tool knows has multi-head latent attention: field latent_attention is a mapping")]
    public void The_reason_is_told(string configuration, string tensors, string problem)
    {
        using var model = new SmallModel(configuration).With(Whole + tensors).Write();
        var report = model.Export();
        Assert.Equal(CheckpointStatus.Refused, report.Status);
        Assert.EndsWith($": {problem}", report.Error!.Message.Replace("line 1: ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.False(Directory.Exists(model.Output));
    }

    [Fact]
    public void A_model_of_both_ages_is_refused()
    {
        using var model = new SmallModel("").With($"{Whole}transformer.h.0.attn.attn.weight 32 16\n").Write();
        Assert.Contains("legacy and upgraded names stand in one model: 'transformer.h.0.attn.attn.weight' and 'transformer.h.0.attn.qkv.weight'", model.Export().Error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_models_in_one_file_are_refused()
    {
        using var model = new SmallModel("").With($"{Whole}ema.{Whole.Replace("\n", "\nema.", StringComparison.Ordinal)}x 1").Write();
        Assert.EndsWith(": there are 2 models in it, under '' and 'ema'; save the one that is meant in a file of its own", model.Export().Error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_configuration_it_is_refused()
    {
        using var model = new SmallModel("").With(Whole).Write();
        File.Delete(Path.Combine(model.Source, "model_config.yaml"));
        Assert.EndsWith(": no model_config.yaml or lit_config.json beside it, so what the model is made of is not known; --config FILE names one", model.Export().Error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_model_is_refused()
    {
        using var model = new SmallModel("").With("a.weight 4 4").Write();
        Assert.EndsWith(": there is no model of LitGPT's in it: no tensor bears a name like transformer.h.0.attn.qkv.weight", model.Export().Error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using var model = new SmallModel("").With(Whole).Without("transformer.h.0.mlp.proj.weight").Write();
        Assert.EndsWith(": the model has no 'transformer.h.0.mlp.proj.weight', which its configuration asks for; it is half a model, or another one's configuration", model.Export().Error?.Message, StringComparison.Ordinal);
    }
}
