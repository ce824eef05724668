using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>How many tokens are measured, where the user says so.</summary>
/// <param name="Sequence">Tokens of a training sequence, or null for 256, or what the block size leaves of them.</param>
/// <param name="Prompt">Tokens of the prompt, or null for 64, or what the block size leaves of them.</param>
/// <param name="NewTokens">Tokens behind the prompt, or null for 64, or what the block size leaves of them.</param>
public sealed record BenchmarkLengths(int? Sequence = null, int? Prompt = null, int? NewTokens = null)
{
    private const int StandardSequence = 256;
    private const int StandardPrompt = 64;
    private const int StandardNewTokens = 64;

    /// <summary>What is measured of a model.</summary>
    /// <exception cref="MigrationException">More is asked for than the model's block size takes.</exception>
    internal MeasuredLengths For(ModelConfiguration configuration)
    {
        var block = configuration.BlockSize;
        var prompt = Prompt ?? Math.Max(1, Math.Min(StandardPrompt, NewTokens is { } asked ? block - asked : block / 2));
        var sequence = Sequence ?? Math.Max(1, Math.Min(StandardSequence, block - 1));
        var newTokens = NewTokens ?? Math.Max(0, Math.Min(StandardNewTokens, block - prompt));
        return sequence > block ? throw TooLong($"--sequence-length {sequence} is", block)
            : prompt + (long)newTokens > block ? throw TooLong($"{prompt} tokens of the prompt and {newTokens} new ones are", block)
            : new MeasuredLengths(sequence, prompt, newTokens);
    }

    private static MigrationException TooLong(string what, int block) =>
        new(FailureKind.Usage, $"{what} more than the model's block_size of {block}");
}
