using System.Text;

namespace QkvMigrate.Torch.Generation;

/// <summary>One token for each byte of UTF-8, as byte-level language models have it.</summary>
public sealed class ByteTokenizer : IPromptTokenizer
{
    /// <summary>More tokens than this no byte-level model has: the bytes, and as many again for special tokens.</summary>
    public const int MaximumVocabulary = 512;

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokens)
    {
        // 0xFF occurs nowhere in UTF-8, so the decoder puts U+FFFD in its place.
        return Encoding.UTF8.GetString([.. tokens.Select(token => token is >= 0 and <= byte.MaxValue ? (byte)token : byte.MaxValue)]);
    }
}
