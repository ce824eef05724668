using QkvMigrate.Layouts;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Model;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Generation;

public sealed class TokenGeneratorTests
{
    private static readonly int[] Prompt = [51, 67, 79];

    [Fact]
    public void The_same_seed_draws_the_same_tokens_and_another_one_others() => LiveTensors.AreGoneAfter(() =>
    {
        var first = Generate(new GenerationOptions { MaxNewTokens = 20, Temperature = 1, Seed = 1 }).Tokens;
        Assert.Equal(first, Generate(new GenerationOptions { MaxNewTokens = 20, Temperature = 1, Seed = 1 }).Tokens);
        Assert.NotEqual(first, Generate(new GenerationOptions { MaxNewTokens = 20, Temperature = 1, Seed = 2 }).Tokens);
        Assert.All(first, token => Assert.InRange(token, 0, 89), throwIfEmpty: true);
    });

    [Theory]
    [InlineData(0.0, null)]
    [InlineData(0.0, 5)]
    [InlineData(1.0, 1)]
    [InlineData(null, 1)]
    [InlineData(1e-6, 90)]
    public void What_leaves_no_choice_is_greedy(double? temperature, int? topK) =>
        Assert.Equal(Generate(new GenerationOptions { MaxNewTokens = 20 }).Tokens, Generate(new GenerationOptions { MaxNewTokens = 20, Temperature = temperature, TopK = topK }).Tokens);

    [Fact]
    public void Only_the_likeliest_tokens_are_drawn()
    {
        var result = Generate(new GenerationOptions { MaxNewTokens = 40, Temperature = 100, TopK = 3, WithNewLogits = true });
        Assert.Equal((Prompt.Length + 40, 40), (result.Tokens.Count, result.NewLogits.Count));
        var ranks = result.Tokens.Skip(Prompt.Length).Zip(result.NewLogits, (token, logits) => logits.Take(90).Count(logit => logit > logits[token])).ToList();
        Assert.Equal([0, 1, 2], ranks.Distinct().Order());
    }

    [Fact]
    public void A_high_top_k_is_the_whole_vocabulary() =>
        Assert.Equal(Prompt.Length + 5, Generate(new GenerationOptions { MaxNewTokens = 5, TopK = int.MaxValue }).Tokens.Count);

    [Fact]
    public void Logits_alone_can_be_asked_for()
    {
        var result = Generate(new GenerationOptions { MaxNewTokens = 0, WithPromptLogits = true });
        Assert.Equal(Prompt, result.Tokens);
        Assert.Equal(3, result.PromptLogits.Count);
        Assert.All(result.PromptLogits, logits => Assert.Equal(96, logits.Length), throwIfEmpty: true);
        Assert.Empty(result.NewLogits);
        Assert.Equal((LayoutFamilies.Interleaved, "float32"), (result.Layout, result.DType));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Logits_that_were_not_asked_for_change_no_token(bool ofPrompt, bool ofNew)
    {
        var options = new GenerationOptions { MaxNewTokens = 20, WithPromptLogits = true, WithNewLogits = true };
        var whole = Generate(options);
        var part = Generate(options with { WithPromptLogits = ofPrompt, WithNewLogits = ofNew });
        Assert.Equal(whole.Tokens, part.Tokens);
        AssertClose(ofPrompt ? whole.PromptLogits : [], part.PromptLogits);
        AssertClose(ofNew ? whole.NewLogits : [], part.NewLogits);
    }

    [Fact]
    public void Fifty_tokens_are_generated_or_what_there_is_room_for()
    {
        Assert.Equal(53, Generate(new GenerationOptions()).Tokens.Count);
        Assert.Equal(64, Generate(new GenerationOptions(), [.. Enumerable.Range(0, 40)]).Tokens.Count);
        Assert.Equal(64, Generate(new GenerationOptions { MaxNewTokens = 61 }).Tokens.Count);
    }

    [Theory]
    [InlineData(new int[0], null, "the prompt is empty, expected one token at least")]
    [InlineData(new[] { 1, 96 }, null, "token 96 is none of this model's, which go from 0 to 95")]
    [InlineData(new[] { -1 }, null, "token -1 is none of this model's, which go from 0 to 95")]
    [InlineData(new[] { 1, 2 }, 63, "2 tokens of the prompt and 63 new ones are more than the model's block_size of 64")]
    public void A_prompt_that_is_not_for_the_model_is_refused(int[] prompt, int? count, string message)
    {
        var error = Assert.Throws<MigrationException>(() => Generate(new GenerationOptions { MaxNewTokens = count }, prompt));
        Assert.Equal((FailureKind.Usage, message), (error.Kind, error.Message));
    }

    [Fact]
    public void A_prompt_that_is_too_long_is_refused()
    {
        var error = Assert.Throws<MigrationException>(() => Generate(new GenerationOptions(), [.. Enumerable.Repeat(1, 65)]));
        Assert.Equal("65 tokens of the prompt are more than the model's block_size of 64", error.Message);
    }

    /// <summary>Products of matrices of other shapes are summed in another order.</summary>
    private static void AssertClose(IReadOnlyList<float[]> expected, IReadOnlyList<float[]> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Length, actual[i].Length);
            Assert.True(expected[i].Zip(actual[i]).All(pair => Math.Abs(pair.First - pair.Second) <= 1e-5), $"logits {i}");
        }
    }

    private static GenerationResult Generate(GenerationOptions options, int[]? prompt = null) => CheckpointGeneration.Run(
        CheckpointLocation.Find(GoldenLogits.Path("llama-gqa")),
        prompt ?? Prompt,
        options,
        ModelPrecision.Full,
        ComputeDevice.Cpu,
        CancellationToken.None);
}
