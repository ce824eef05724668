using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// The verifier's own table of families, written from transformers' <c>modeling_*.py</c> and LitGPT's
/// <c>scripts/convert_lit_checkpoint.py</c>. It shares nothing with the files that exports are planned by, so that a mistake in
/// either one shows.
/// </summary>
internal static class VerifiedFamilies
{
    /// <summary>All families.</summary>
    public static IReadOnlyList<VerifiedFamily> All { get; } =
    [
        VerifiedLlamas.Llama, VerifiedLlamas.Mistral, VerifiedLlamas.Mixtral, VerifiedLlamas.Qwen2, VerifiedLlamas.Qwen3, VerifiedLlamas.Qwen3Moe,
        VerifiedLlamas.Olmo, VerifiedLlamas.Olmo2, VerifiedLlamas.StableLm, VerifiedGemmas.Gemma, VerifiedGemmas.Gemma2, VerifiedGemmas.Gemma3,
        VerifiedPhis.Phi3, VerifiedPhis.Phi4Mini, VerifiedPhis.Phi, VerifiedInterleaved.GptNeoX, VerifiedInterleaved.Falcon, VerifiedInterleaved.Falcon7B,
    ];

    /// <summary>The family that a model has as one of a <c>model_type</c>, or null.</summary>
    public static VerifiedFamily? Of(string? type, ModelConfiguration model) => All.SingleOrDefault(family => family.Type == type && family.Is(model));
}
