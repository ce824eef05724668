using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>What is measured.</summary>
public sealed record LayoutBenchmarkPlan
{
    /// <summary>The model; its parameters are random, since time and memory do not depend on them.</summary>
    public required ModelConfiguration Configuration { get; init; }

    /// <summary>How often each layout is measured; the layouts take turns.</summary>
    public int Repetitions { get; init; } = 3;

    /// <summary>Training steps of each repetition, and as many generations, behind one of each that warms up.</summary>
    public int Samples { get; init; } = 3;

    /// <summary>Tokens of a training sequence, or what the block size leaves of them.</summary>
    public int SequenceLength { get; init; } = 256;

    /// <summary>Tokens of the prompt, or half of the block size where that is less.</summary>
    public int PromptLength { get; init; } = 64;

    /// <summary>Tokens behind the prompt, or half of the block size where that is less.</summary>
    public int NewTokens { get; init; } = 64;

    /// <summary>The plan cut down to what the model's block size takes.</summary>
    public LayoutBenchmarkPlan Fitted() => this with
    {
        SequenceLength = Math.Max(1, Math.Min(SequenceLength, Configuration.BlockSize - 1)),
        PromptLength = Math.Max(1, Math.Min(PromptLength, Configuration.BlockSize / 2)),
        NewTokens = Math.Min(NewTokens, Configuration.BlockSize / 2),
    };
}
