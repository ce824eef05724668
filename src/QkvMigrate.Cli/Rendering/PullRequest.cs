namespace QkvMigrate.Cli.Rendering;

/// <summary>The change of LitGPT that this tool serves, and where its own measurements stand.</summary>
internal static class PullRequest
{
    /// <summary>"Drop interleave placement in QKV matrix", with the measurements in its discussion.</summary>
    public const string Url = "https://github.com/Lightning-AI/litgpt/pull/1013";

    /// <summary>
    /// How its author measured there: in the description of 2024-03-05 and in a comment of 2024-11-18. The numbers are to
    /// be read there; of these methods alone there is a copy that could be checked.
    /// </summary>
    public const string Method =
        "on one A10G, main against the branch: training of one epoch of 1000 samples, mean of 5, and generation, mean of 100; later TinyLlama-1.1B by LitGPT's LLM.benchmark, 1024 new tokens, 5 times";
}
