using QkvMigrate.Torch.Generation;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a model generated, for people.</summary>
internal static class TextGeneration
{
    /// <summary>
    /// Writes the text, or the tokens where the prompt was no text, and then the logits where they are asked for: a line for
    /// each token of the prompt.
    /// </summary>
    public static void Write(TextWriter writer, GenerationResult result, string? text, bool withLogits)
    {
        writer.WriteLine(text ?? string.Join(',', result.Tokens));
        if (withLogits)
        {
            foreach (var logits in result.PromptLogits)
            {
                writer.WriteLine(string.Join(' ', logits));
            }
        }
    }
}
