namespace QkvMigrate.Cli.Rendering;

/// <summary>The change of LitGPT that this tool serves, and where its own measurements stand.</summary>
internal static class PullRequest
{
    /// <summary>"Drop interleave placement in QKV matrix", with the measurements in its discussion.</summary>
    public const string Url = "https://github.com/Lightning-AI/litgpt/pull/1013";

    /// <summary>How its author measured generation there, on 2024-11-18.</summary>
    public const string Method = "TinyLlama-1.1B by LitGPT's LLM.benchmark, 1024 new tokens, 5 times";
}
