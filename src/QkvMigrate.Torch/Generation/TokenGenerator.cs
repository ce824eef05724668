using QkvMigrate.Configuration.Models;
using QkvMigrate.Torch.Model;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Generation;

/// <summary>Lets a model continue a prompt.</summary>
internal static class TokenGenerator
{
    /// <summary>
    /// Generates tokens behind <paramref name="prompt"/>, all of the vocabulary: the rows that pad the embedding belong to no
    /// token, though in a model that was never trained they can have the largest logit.
    /// </summary>
    /// <exception cref="MigrationException">The prompt is empty, has tokens that the model has no row for, or is too long with the new ones.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static GenerationResult Run(Gpt model, IReadOnlyList<int> prompt, GenerationOptions options, CancellationToken cancellation)
    {
        Check(model.Configuration, prompt);
        var count = NewTokens(model.Configuration, prompt, options);
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        using var sampler = new TokenSampler(options);
        using var cache = options.UseCache ? model.CreateCache(1, prompt.Count + count) : null;

        // Tokens stay on the device until the last one is there: each pass is queued behind the one before, and none is waited for.
        var tokens = new List<Tensor> { Upload(prompt, model.Device) };
        var promptLogits = new List<float[]>();
        var newLogits = new List<float[]>();
        for (var step = 0; step == 0 || step < count; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var pass = NewDisposeScope();
            var input = cache is null ? cat(tokens, 1) : tokens[^1];
            var wanted = step == 0 && options.WithPromptLogits ? input.shape[1] : 1;
            var logits = model.Forward(input, cache, wanted)[0];
            if (step == 0 && options.WithPromptLogits)
            {
                promptLogits.AddRange(Enumerable.Range(0, prompt.Count).Select(position => Numbers(logits[position])));
            }

            if (step < count)
            {
                var last = logits[logits.shape[0] - 1];
                if (options.WithNewLogits)
                {
                    newLogits.Add(Numbers(last));
                }

                tokens.Add(sampler.Next(last.narrow(0, 0, model.Configuration.VocabularySize)).view(1, 1).MoveToOuterDisposeScope());
            }
        }

        var all = cat(tokens, 1).cpu().data<long>().Select(token => (int)token).ToList();
        return new GenerationResult(model.Layout, TensorReader.NameOf(model.DType), all, promptLogits, newLogits);
    }

    /// <summary>The prompt as <c>(1, T)</c>, int64.</summary>
    private static Tensor Upload(IReadOnlyList<int> prompt, Device device) =>
        tensor(prompt.Select(token => (long)token).ToArray(), device: device).unsqueeze(0);

    private static float[] Numbers(Tensor logits) => logits.to(ScalarType.Float32, CPU).data<float>().ToArray();

    private static void Check(ModelConfiguration configuration, IReadOnlyList<int> prompt)
    {
        if (prompt.Count == 0)
        {
            throw new MigrationException(FailureKind.Usage, "the prompt is empty, expected one token at least");
        }

        foreach (var token in prompt)
        {
            if (token < 0 || token >= configuration.PaddedVocabularySize)
            {
                throw new MigrationException(
                    FailureKind.Usage,
                    $"token {token} is none of this model's, which go from 0 to {configuration.PaddedVocabularySize - 1}");
            }
        }

        if (prompt.Count > configuration.BlockSize)
        {
            throw new MigrationException(
                FailureKind.Usage,
                $"{prompt.Count} tokens of the prompt are more than the model's block_size of {configuration.BlockSize}");
        }
    }

    private static int NewTokens(ModelConfiguration configuration, IReadOnlyList<int> prompt, GenerationOptions options)
    {
        var room = configuration.BlockSize - prompt.Count;
        return options.MaxNewTokens is not { } asked ? Math.Min(GenerationOptions.DefaultNewTokens, room)
            : asked <= room ? asked
            : throw new MigrationException(
                FailureKind.Usage,
                $"{prompt.Count} tokens of the prompt and {asked} new ones are more than the model's block_size of {configuration.BlockSize}");
    }
}
