namespace QkvMigrate.Planning;

/// <summary>
/// What LitGPT, as of its head of 2026-06, does with checkpoints of both layouts that their users should know. Data, not
/// branches.
/// </summary>
internal static class AdviceRules
{
    private static readonly AdviceRule[] Rules =
    [
        new(
            "lora-finetuning-random-init",
            IsGeneral: true,
            "without the upgrade, LitGPT's LoRA and adapter v2 fine-tuning load this file with strict=False, find no attn.qkv in it, "
            + "and go on with randomly initialised q, k and v",
            facts => facts is { Conversion.IsUpgrade: true, HasFusedWeight: true } && facts.Scan.Layout == facts.Conversion.From),
        new(
            "tensor-parallel-splits-fused-rows",
            IsGeneral: true,
            "LitGPT's tensor parallel generation (generate/tp.py) splits the fused rows evenly among its ranks, which is wrong for sequential rows",
            facts => facts is { Conversion.IsUpgrade: true, Scan.Layout.IsLitGpts: true, HasFusedWeight: true }),
        new(
            "adapter-v1-behaves-differently",
            IsGeneral: false,
            "today's LitGPT still takes adapter v1's prefix from the fused matrix as if its rows were interleaved (adapter.py): "
            + "the adapter behaves differently there whatever its weights, unless n_query_groups is 1",
            facts => facts is { Conversion.IsUpgrade: true, Geometry: null or { QueryGroupCount: > 1 }, HasAdapterV1: true }),
        new(
            "optimizer-moments-permuted",
            IsGeneral: false,
            "the optimizer's moments move with the rows of their parameters",
            facts => facts.HasMovedMoments),
        new(
            "optimizer-state-would-not-match",
            IsGeneral: true,
            "LitGPT converts an old model while it loads it, but not its optimizer: resumed from the old file, most moments belong to other rows",
            facts => facts is { Conversion.IsUpgrade: true, HasMovedMoments: true }),
    ];

    /// <summary>The advice that holds for a checkpoint, in a fixed order.</summary>
    public static IReadOnlyList<Advice> Of(AdviceFacts facts) =>
        [.. Rules.Where(rule => rule.Applies(facts)).Select(rule => new Advice(rule.Code, rule.Message) { IsGeneral = rule.IsGeneral })];
}
