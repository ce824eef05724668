namespace QkvMigrate.Torch.Generation;

/// <summary>Finds the tokenizer of a checkpoint.</summary>
public static class PromptTokenizers
{
    private const string JsonName = "tokenizer.json";
    private const string SentencePieceName = "tokenizer.model";

    /// <summary>The tokenizer in <paramref name="directory"/>; where there is none, and the model's vocabulary is that of bytes, one token a byte.</summary>
    /// <exception cref="MigrationException">There is none for the model, or one that this tool cannot follow to the letter.</exception>
    public static IPromptTokenizer Find(string directory, int vocabularySize)
    {
        var json = Path.Combine(directory, JsonName);
        if (File.Exists(json))
        {
            return JsonTokenizer.Read(json);
        }

        var piece = Path.Combine(directory, SentencePieceName);
        return File.Exists(piece) ? throw new MigrationException(FailureKind.Unsupported, "SentencePiece models are not read; give --tokens", piece)
            : vocabularySize <= ByteTokenizer.MaximumVocabulary ? new ByteTokenizer()
            : throw new MigrationException(
                FailureKind.Unsupported,
                $"no {JsonName} in this directory, and a vocabulary of {vocabularySize} tokens is none of bytes; give --tokens",
                directory);
    }
}
