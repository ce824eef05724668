using QkvMigrate.Layouts;

namespace QkvMigrate.Torch.Generation;

/// <summary>What was generated.</summary>
/// <param name="Layout">The layout of the checkpoint and so of the model.</param>
/// <param name="DType">PyTorch's name of the element type that the model computed in.</param>
/// <param name="Tokens">The prompt's tokens, then the new ones.</param>
/// <param name="PromptLogits">For each token of the prompt the logits behind it, <c>padded_vocab_size</c> each; none where they were not asked for.</param>
/// <param name="NewLogits">For each new token the logits that it was chosen by; none where they were not asked for.</param>
public sealed record GenerationResult(
    LayoutFamily Layout,
    string DType,
    IReadOnlyList<int> Tokens,
    IReadOnlyList<float[]> PromptLogits,
    IReadOnlyList<float[]> NewLogits);
