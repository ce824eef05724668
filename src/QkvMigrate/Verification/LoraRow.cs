namespace QkvMigrate.Verification;

/// <summary>What a row of a delta is the product of.</summary>
/// <param name="RowOfB">The row of <c>lora_B</c>.</param>
/// <param name="Block">The block of <c>lora_A</c>: one of those of q, k and v that have LoRA, from 0.</param>
internal readonly record struct LoraRow(long RowOfB, int Block);
