namespace QkvMigrate.Torch.Generation;

/// <summary>Turns text into a model's tokens and back.</summary>
public interface IPromptTokenizer
{
    /// <summary>The tokens of <paramref name="text"/>.</summary>
    IReadOnlyList<int> Encode(string text);

    /// <summary>The text of <paramref name="tokens"/>; what is no text comes out as U+FFFD.</summary>
    string Decode(IReadOnlyList<int> tokens);
}
