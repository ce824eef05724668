using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// What the fields of Hugging Face's configurations must say of a model, by the verifier's own reading of
/// transformers' <c>configuration_*.py</c> and <c>modeling_rope_utils.py</c>.
/// </summary>
internal static class VerifiedFields
{
    /// <summary>The fields that decide how many tensors there are and what shapes they have.</summary>
    public static IReadOnlySet<string> OfShapes { get; } = new HashSet<string>
    {
        "hidden_size", "intermediate_size", "moe_intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "num_kv_heads",
        "head_dim", "vocab_size", "attention_bias", "mlp_bias", "use_qkv_bias", "num_local_experts", "num_experts", "bias", "multi_query",
        "new_decoder_architecture", "parallel_attn", "alibi",
    };

    /// <summary>What nearly all families take for a field that is not there.</summary>
    public static JsonObject Defaults(ModelConfiguration model) => new()
    {
        ["num_key_value_heads"] = model.Geometry.HeadCount,
        ["num_kv_heads"] = model.Geometry.HeadCount,
        ["head_dim"] = model.EmbeddingSize / model.Geometry.HeadCount,
        ["attention_bias"] = false,
        ["mlp_bias"] = false,
        ["use_qkv_bias"] = false,
        ["bias"] = false,
        ["multi_query"] = true,
        ["new_decoder_architecture"] = false,
        ["parallel_attn"] = true,
        ["alibi"] = false,
    };

    /// <summary>What all families say.</summary>
    public static JsonObject Common(string type, string architecture, ModelConfiguration model) => new()
    {
        ["architectures"] = new JsonArray(architecture),
        ["model_type"] = type,
        ["attention_dropout"] = 0,
        ["hidden_size"] = model.EmbeddingSize,
        ["max_position_embeddings"] = model.BlockSize,
        ["num_attention_heads"] = model.Geometry.HeadCount,
        ["num_hidden_layers"] = model.LayerCount,
        ["use_cache"] = true,
        ["vocab_size"] = model.PaddedVocabularySize,
        ["rope_scaling"] = Stretching(model),
        ["rope_theta"] = model.Rope.Base,
    };

    /// <summary>The rotations; <paramref name="isPartial"/> where only a part of each head may be rotated.</summary>
    public static JsonObject Rotations(ModelConfiguration model, bool isPartial = false)
    {
        var rope = Stretching(model) ?? Plain();
        rope["rope_theta"] = model.Rope.Base;
        if (isPartial)
        {
            rope["partial_rotary_factor"] = model.Rope.Percentage;
        }

        return rope;
    }

    /// <summary>The rotations of layers with a window and of those without.</summary>
    public static JsonObject RotationsByLayer(ModelConfiguration model)
    {
        var local = Plain();
        local["rope_theta"] = model.Rope.LocalBase ?? model.Rope.Base;
        return new JsonObject { ["full_attention"] = Rotations(model), ["sliding_attention"] = local };
    }

    /// <summary>A word for each layer.</summary>
    public static JsonArray Layers(ModelConfiguration model)
    {
        var words = new JsonArray();
        for (var layer = 0; layer < model.LayerCount; layer++)
        {
            words.Add((JsonNode)(HasWindow(model, layer) ? "sliding_attention" : "full_attention"));
        }

        return words;
    }

    /// <summary>Whether a layer sees a window alone.</summary>
    public static bool HasWindow(ModelConfiguration model, int layer) => model.SlidingWindow is { } window && window.Layers[layer % window.Layers.Count];

    /// <summary>The name of the function in the MLP.</summary>
    public static string Activation(ModelConfiguration model) =>
        model.Mlp is MlpKind.LlamaMlp or MlpKind.LlamaMoe ? "silu" : model.GeluIsTanh ? "gelu_pytorch_tanh" : "gelu";

    /// <summary>How positions are stretched, or null.</summary>
    private static JsonObject? Stretching(ModelConfiguration model)
    {
        if (model.Rope.Adjustments is { Llama3: { } llama, Factor: var factor })
        {
            return new JsonObject
            {
                ["rope_type"] = "llama3",
                ["factor"] = factor,
                ["low_freq_factor"] = llama.LowFrequencyFactor,
                ["high_freq_factor"] = llama.HighFrequencyFactor,
                ["original_max_position_embeddings"] = llama.OriginalMaximumLength,
            };
        }

        // Positions are divided by the ratio, and by the factor of a stretching without a band; families allow one of them.
        var linear = (model.Rope.Adjustments?.Factor ?? 1) * model.Rope.CondenseRatio;
        return model.Rope is { Adjustments: null, CondenseRatio: 1 } ? null : new JsonObject { ["rope_type"] = "linear", ["factor"] = linear };
    }

    private static JsonObject Plain() => new() { ["rope_type"] = "default" };

    /// <summary>The fields of a family with Llama's names for them.</summary>
    public static JsonObject Gpt(string type, string architecture, ModelConfiguration model, params ReadOnlySpan<(string, JsonNode?)> more) => With(
        With(
            Common(type, architecture, model),
            ("head_dim", model.Geometry.HeadSize),
            ("hidden_act", Activation(model)),
            ("intermediate_size", model.IntermediateSize),
            ("num_key_value_heads", model.Geometry.QueryGroupCount),
            ("rms_norm_eps", model.NormEpsilon),
            ("rope_parameters", Rotations(model))),
        more);

    /// <summary>The fields of Gemma.</summary>
    public static JsonObject Gemmas(string type, string architecture, ModelConfiguration model, params ReadOnlySpan<(string, JsonNode?)> more) =>
        With(Gpt(type, architecture, model, ("attention_bias", false), ("hidden_activation", Activation(model))), more);

    /// <summary>The fields of Gemma 2, and of those made of it.</summary>
    public static JsonObject Gemma2s(string type, string architecture, ModelConfiguration model) => Gemmas(
        type,
        architecture,
        model,
        ("attn_logit_softcapping", model.AttentionLogitSoftcapping),
        ("final_logit_softcapping", model.FinalLogitSoftcapping),
        ("layer_types", Layers(model)),
        ("query_pre_attn_scalar", model.AttentionScoresScalar ?? model.Geometry.HeadSize),
        ("sliding_window", model.SlidingWindow?.Size));

    /// <summary>Fields, and more of them.</summary>
    public static JsonObject With(JsonObject fields, params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        foreach (var (name, value) in more)
        {
            fields[name] = value;
        }

        return fields;
    }

    /// <summary>Fields without some.</summary>
    public static JsonObject Without(JsonObject fields, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            fields.Remove(name);
        }

        return fields;
    }
}
