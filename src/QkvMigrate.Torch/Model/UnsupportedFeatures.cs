using QkvMigrate.Configuration.Models;
namespace QkvMigrate.Torch.Model;

/// <summary>
/// What LitGPT's models can be and the model here is not. None of it existed while checkpoints were interleaved, so that
/// nothing that this tool upgrades needs it; it is refused rather than left out.
/// </summary>
internal static class UnsupportedFeatures
{
    private static readonly string[] Off = ["false", "False"];
    private static readonly string[] Zero = ["0"];
    private static readonly string[] One = ["1", "1.0"];

    /// <summary>Refuses by field; takes the fields that are of no matter without what is refused, or of none at all.</summary>
    public static void Refuse(FieldReader fields)
    {
        fields.Refuse("latent_attention", [], "the model here has no multi-head latent attention");
        fields.Refuse("rope_local_base_freq", [], "the model here has no second rotary base for layers with local attention");
        fields.Refuse("rope_indices", [], "the model here has no choice of a rotary base for each layer");
        fields.Refuse("rope_interleave", Off, "the model here has no interleaved rotary embeddings");
        fields.Refuse("n_shared_expert", Zero, "the model here has no shared experts");
        fields.Refuse("n_expert_groups", Zero, "the model here has no groups of experts");
        fields.Refuse("first_k_dense_replace", Zero, "the model here has no dense layers among layers of experts");
        fields.Refuse("routed_scaling_factor", One, "the model here has no scaling of routed experts");

        // Read by the router of expert groups alone (litgpt/model.py, GroupedTopkRouter).
        fields.Take("n_topk_groups", "n_topk_scores_per_group");

        // Where the model came from on the Hugging Face hub.
        fields.Take("hf_config", "org");
    }

    /// <summary>Refuses combinations.</summary>
    public static void Refuse(ModelConfiguration configuration)
    {
        if (!configuration.ParallelResidual && configuration.SharedAttentionNorm)
        {
            throw new MigrationException(FailureKind.Unsupported, "shared_attention_norm needs parallel_residual, as in LitGPT");
        }

        if (configuration.ParallelResidual && configuration.PostMlpNorm)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "post_mlp_norm with parallel_residual: LitGPT left the norm out before 2025 and applies it since, so what the model should do is not known");
        }

        if (configuration.RotarySize % 2 != 0)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"rotary_percentage {configuration.Rope.Percentage} of head_size {configuration.Geometry.HeadSize} rotates {configuration.RotarySize} elements, expected an even number");
        }
    }
}
