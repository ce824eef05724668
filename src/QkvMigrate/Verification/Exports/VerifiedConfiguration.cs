using QkvMigrate.Configuration;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>LitGPT's configuration of the checkpoint, as far as Hugging Face's models can have it.</summary>
internal static class VerifiedConfiguration
{
    /// <summary>What no family has, and the values with which a field does not ask for it.</summary>
    private static readonly (string Field, string[] Neutral)[] Unknown =
    [
        ("latent_attention", []),
        ("rope_interleave", ["false", "False"]),
        ("n_shared_expert", ["0"]),
        ("n_expert_groups", ["0"]),
        ("first_k_dense_replace", ["0"]),
        ("routed_scaling_factor", ["1", "1.0"]),
    ];

    /// <summary>Reads it from <paramref name="path"/>, or from beside the checkpoint.</summary>
    /// <exception cref="MigrationException">There is none, or it asks for something that no family has.</exception>
    public static ModelConfiguration Read(string? path, string directory)
    {
        var file = path ?? ModelFields.FileNames.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
            ?? throw new MigrationException(
                FailureKind.Geometry,
                $"no {string.Join(" or ", ModelFields.FileNames)} in it, so what the model is made of is not known; --config FILE names one",
                directory);
        return ModelFields.Read(file, fields =>
        {
            foreach (var (field, neutral) in Unknown)
            {
                fields.Refuse(field, neutral, "no export has this");
            }

            fields.Take("n_topk_groups", "n_topk_scores_per_group");
            fields.Take(ConfigurationFields.Organisation);
        });
    }
}
