namespace QkvMigrate.Configuration.Models;

/// <summary>A mixture of experts (litgpt/model.py, <c>LLaMAMoE</c>).</summary>
/// <param name="Count"><c>n_expert</c>.</param>
/// <param name="PerToken"><c>n_expert_per_token</c>: how many of them a token passes through.</param>
/// <param name="IntermediateSize">The width of one: <c>moe_intermediate_size</c> since 2025, before that <c>intermediate_size</c>.</param>
public sealed record ExpertConfiguration(int Count, int PerToken, int IntermediateSize)
{
    /// <summary><c>norm_topk_prob</c>: whether the weights of the chosen experts are made to add up to 1.</summary>
    public bool NormalizesWeights { get; init; }
}
