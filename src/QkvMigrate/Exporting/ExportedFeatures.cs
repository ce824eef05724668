using QkvMigrate.Configuration;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>What LitGPT's models can be and no family here is; refused rather than left out.</summary>
internal static class ExportedFeatures
{
    private static readonly string[] Off = ["false", "False"];
    private static readonly string[] Zero = ["0"];
    private static readonly string[] One = ["1", "1.0"];

    /// <summary>Refuses by field, and takes fields that are of no matter here.</summary>
    /// <exception cref="MigrationException">A field asks for such a thing.</exception>
    public static void Refuse(FieldReader fields)
    {
        foreach (var (name, neutral, feature) in new (string, string[], string)[]
        {
            ("latent_attention", [], "multi-head latent attention"),
            ("rope_interleave", Off, "interleaved rotary embeddings"),
            ("n_shared_expert", Zero, "shared experts"),
            ("n_expert_groups", Zero, "groups of experts"),
            ("first_k_dense_replace", Zero, "dense layers among layers of experts"),
            ("routed_scaling_factor", One, "scaling of routed experts"),
        })
        {
            fields.Refuse(name, neutral, $"no family of Hugging Face's that this tool knows has {feature}");
        }

        // Read by the router of expert groups alone (litgpt/model.py, GroupedTopkRouter).
        fields.Take("n_topk_groups", "n_topk_scores_per_group");
        fields.Take(ConfigurationFields.Organisation);
    }
}
