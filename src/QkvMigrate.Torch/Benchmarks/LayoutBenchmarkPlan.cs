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

    /// <summary>How many tokens a sequence, a prompt and a continuation have.</summary>
    public BenchmarkLengths Lengths { get; init; } = new();

    /// <summary>What the model computes in.</summary>
    public BenchmarkPrecision Precision { get; init; } = BenchmarkPrecision.Full;
}

/// <summary>The element type that a model is measured in.</summary>
public enum BenchmarkPrecision
{
    /// <summary>float32.</summary>
    Full,

    /// <summary>bfloat16, parameters and optimizer too: LitGPT's <c>bf16-true</c>.</summary>
    BFloat16,
}
