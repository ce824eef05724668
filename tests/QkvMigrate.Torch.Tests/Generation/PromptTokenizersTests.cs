using QkvMigrate.Testing;
using QkvMigrate.Torch.Generation;
using Xunit;

namespace QkvMigrate.Torch.Tests.Generation;

public sealed class PromptTokenizersTests
{
    [Fact]
    public void Without_a_tokenizer_a_token_is_a_byte_of_UTF8()
    {
        using var folder = new WorkFolder();
        var tokenizer = PromptTokenizers.Find(folder.At(), 128);
        Assert.Equal([72, 195, 169, 10], tokenizer.Encode("Hé\n"));
        Assert.Equal("Hé\n", tokenizer.Decode([72, 195, 169, 10]));
        Assert.Equal("H\uFFFD\uFFFDi", tokenizer.Decode([72, 256, 195, 105]));
    }

    [Fact]
    public void A_vocabulary_that_is_none_of_bytes_needs_a_tokenizer()
    {
        using var folder = new WorkFolder();
        _ = PromptTokenizers.Find(folder.At(), 512);
        var error = Assert.Throws<MigrationException>(() => PromptTokenizers.Find(folder.At(), 513));
        Assert.Equal($"{folder.At()}: no tokenizer.json in this directory, and a vocabulary of 513 tokens is none of bytes; give --tokens", error.Message);
    }

    [Fact]
    public void SentencePiece_is_refused()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("tokenizer.model", "");
        Assert.Equal($"{path}: SentencePiece models are not read; give --tokens", Assert.Throws<MigrationException>(() => PromptTokenizers.Find(folder.At(), 128)).Message);
    }

    [Fact]
    public void A_tokenizer_goes_before_bytes()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("tokenizer.json", "{}");
        Assert.Equal(path, Assert.Throws<MigrationException>(() => PromptTokenizers.Find(folder.At(), 128)).File);
    }
}
