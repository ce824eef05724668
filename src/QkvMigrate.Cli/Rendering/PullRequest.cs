namespace QkvMigrate.Cli.Rendering;

/// <summary>The change of LitGPT that this tool serves, and what its author measured.</summary>
internal static class PullRequest
{
    /// <summary>Samples of the epoch that was measured there.</summary>
    public const int EpochSamples = 1000;

    /// <summary>"Drop interleave placement in QKV matrix", with the measurements in its discussion.</summary>
    public const string Url = "https://github.com/Lightning-AI/litgpt/pull/1013";

    /// <summary>How its author measured.</summary>
    public const string Method = "on one A10G, main before the branch: an epoch of 1,000 samples, mean of 5; generation, mean of 100";

    /// <summary>What its author measured.</summary>
    public static IReadOnlyList<PullRequestMeasurement> Measurements { get; } =
    [
        new(Model: "pythia-1b", "training epoch", null, new(33.80, 33.61), "s", new(15.39, 15.39)),
        new(Model: "tiny-llama-1.1b", "training epoch", null, new(44.71, 43.43), "s", new(18.14, 18.16)),
        new(Model: "pythia-1b", "generation", null, new(106.31, 108.89), "tokens/s", new(2.04, 2.04)),
        new(Model: "tiny-llama-1.1b", "generation", null, new(57.12, 58.03), "tokens/s", new(2.22, 2.21)),
        new(Model: "tiny-llama-1.1b", "generation", 1950, new(57.80, 59.03), "tokens/s", new(2.57, 2.28)),
    ];
}

/// <summary>A number with interleaved and with sequential rows.</summary>
internal readonly record struct BothLayouts(double Interleaved, double Sequential);

/// <summary>A line of the pull request's tables.</summary>
/// <param name="Model">The model, by the name that <c>--model</c> gives it.</param>
/// <param name="Work">What was measured.</param>
/// <param name="NewTokens">LitGPT's <c>max_new_tokens</c>, where the pull request names it.</param>
/// <param name="Value">Seconds, or tokens a second.</param>
/// <param name="Unit">Which of the two.</param>
/// <param name="Gigabytes">The device's memory.</param>
internal sealed record PullRequestMeasurement(string Model, string Work, int? NewTokens, BothLayouts Value, string Unit, BothLayouts Gigabytes);
