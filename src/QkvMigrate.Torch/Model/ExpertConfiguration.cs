namespace QkvMigrate.Torch.Model;

/// <summary>A mixture of experts (litgpt/model.py, <c>LLaMAMoE</c>).</summary>
/// <param name="Count"><c>n_expert</c>.</param>
/// <param name="PerToken"><c>n_expert_per_token</c>: how many of them a token passes through.</param>
/// <param name="IntermediateSize">The width of one: <c>moe_intermediate_size</c> since 2025, before that <c>intermediate_size</c>.</param>
public sealed record ExpertConfiguration(int Count, int PerToken, int IntermediateSize);
