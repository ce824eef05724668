using QkvMigrate.Layouts;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>What was measured of one layout; times are medians over all repetitions.</summary>
/// <param name="Layout">The layout.</param>
/// <param name="TrainingStepSeconds">Forward pass, backward pass and AdamW on one sequence.</param>
/// <param name="TokensPerSecond">New tokens, greedy with a cache, for each second from the start of the prompt.</param>
/// <param name="CacheBytes">Bytes of keys and values for the prompt and the new tokens.</param>
/// <param name="TrainingPeakBytes">The most memory that training took, by <see cref="LayoutComparison.PeakCounter"/>; null where nothing tells.</param>
/// <param name="GenerationPeakBytes">The same in generation.</param>
public sealed record LayoutMeasurement(
    LayoutFamily Layout,
    double TrainingStepSeconds,
    double TokensPerSecond,
    long CacheBytes,
    long? TrainingPeakBytes,
    long? GenerationPeakBytes);

/// <summary>Both layouts of one model, measured in turn.</summary>
/// <param name="Plan">What was measured.</param>
/// <param name="Lengths">Tokens of a training sequence, of the prompt, and behind it.</param>
/// <param name="Device">Where, in PyTorch's notation.</param>
/// <param name="PeakCounter">What counts the memory: the process's resident set for the CPU, the driver for a CUDA device.</param>
/// <param name="ParameterCount">How many parameters the model has.</param>
/// <param name="Interleaved">LitGPT before pull request #1013.</param>
/// <param name="Sequential">LitGPT since.</param>
public sealed record LayoutComparison(
    LayoutBenchmarkPlan Plan,
    MeasuredLengths Lengths,
    string Device,
    string PeakCounter,
    long ParameterCount,
    LayoutMeasurement Interleaved,
    LayoutMeasurement Sequential);

/// <summary>How many tokens were measured.</summary>
/// <param name="Sequence">Of a training sequence.</param>
/// <param name="Prompt">Of the prompt.</param>
/// <param name="NewTokens">Behind the prompt.</param>
public sealed record MeasuredLengths(int Sequence, int Prompt, int NewTokens);
