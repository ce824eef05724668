using QkvMigrate.Configuration.Models;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Torch.Verification;

/// <summary>
/// Proves an upgrade by what the models say: the same tokens go through the legacy file in the legacy attention and through
/// the upgraded file in the new one. Rows that were put in a wrong place do not pass, whatever the shapes say; but both
/// models take their geometry from the configuration, so that a wrong configuration on both sides is not noticed.
/// </summary>
public static class ForwardCheck
{
    private const int PromptLength = 24;
    private const int ContinuationLength = 16;

    /// <summary>
    /// What rounding does to logits, in parts of the largest one. Permuted rows are summed in the same order but not always
    /// by the same instructions; float32 has 24 bits, float16 has 11, bfloat16 has 8, and some are lost from layer to layer.
    /// </summary>
    private static readonly Dictionary<string, double> Tolerances = new() { ["float64"] = 1e-4, ["float32"] = 1e-4, ["float16"] = 1e-2, ["bfloat16"] = 5e-2 };

    /// <summary>Runs both models, one after the other.</summary>
    /// <param name="original">The original, a file or a directory with one; either layout.</param>
    /// <param name="upgraded">The same in the other layout; the original's configuration goes for it where it has none of its own.</param>
    /// <param name="precision">What the models compute in.</param>
    /// <param name="device">Where they compute.</param>
    /// <param name="cancellation">Ends the work between two tokens.</param>
    /// <exception cref="MigrationException">One of them is no whole LitGPT model, both have one layout, or libtorch or the device is not there.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ForwardCheckResult Run(string original, string upgraded, ModelPrecision precision, ComputeDevice device, CancellationToken cancellation)
    {
        var first = CheckpointLocation.Find(original);
        var file = CheckpointLocation.FindFile(upgraded);
        var second = new CheckpointLocation(file, ModelConfigurationReader.Find(Path.GetDirectoryName(Path.GetFullPath(file))!) ?? first.Configuration);
        if (second.Configuration.PaddedVocabularySize != first.Configuration.PaddedVocabularySize)
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"its configuration has padded_vocab_size {second.Configuration.PaddedVocabularySize}, that of {first.File} has {first.Configuration.PaddedVocabularySize}",
                file);
        }

        var prompt = Prompt(first.Configuration);
        var options = new GenerationOptions
        {
            MaxNewTokens = Math.Min(ContinuationLength, first.Configuration.BlockSize - prompt.Length),
            WithPromptLogits = true,
            WithNewLogits = true,
        };

        var before = CheckpointGeneration.Run(first, prompt, options, precision, device, cancellation);
        var after = CheckpointGeneration.Run(second, prompt, options, precision, device, cancellation);
        return before.Layout == after.Layout
            ? throw new MigrationException(FailureKind.Usage, $"both have {before.Layout} rows, expected one of each; the other is {first.File}", file)
            : Compare(prompt, before, after, Tolerances[before.DType]);
    }

    /// <summary>Tokens from all over the vocabulary, no two alike while it lasts: each step is a golden section of it.</summary>
    private static int[] Prompt(ModelConfiguration configuration)
    {
        var length = Math.Clamp(configuration.BlockSize - ContinuationLength, 1, PromptLength);
        return [.. Enumerable.Range(1, length).Select(step => (int)(step * 0.6180339887498949 % 1 * configuration.VocabularySize))];
    }

    private static ForwardCheckResult Compare(int[] prompt, GenerationResult before, GenerationResult after, double relative)
    {
        var largest = 1.0;
        var difference = 0.0;
        foreach (var (left, right) in before.PromptLogits.Zip(after.PromptLogits))
        {
            for (var i = 0; i < left.Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(left[i]));

                // Math.Max keeps NaN, so that one broken logit is not lost among the others.
                difference = Math.Max(difference, Math.Abs((double)left[i] - right[i]));
            }
        }

        var tolerance = relative * largest;
        var (old, young) = (before.Tokens.Skip(prompt.Length).ToList(), after.Tokens.Skip(prompt.Length).ToList());
        var split = Enumerable.Range(0, old.Count).FirstOrDefault(step => old[step] != young[step], old.Count);
        var isSame = split == old.Count || before.NewLogits[split][old[split]] - before.NewLogits[split][young[split]] <= tolerance;
        return new ForwardCheckResult(prompt, difference, tolerance, old, young, isSame);
    }
}
