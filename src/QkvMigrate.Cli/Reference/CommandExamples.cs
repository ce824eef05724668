namespace QkvMigrate.Cli.Reference;

/// <summary>A command line that a user can copy.</summary>
/// <param name="Purpose">What it does, without a full stop.</param>
/// <param name="CommandLine">What is typed into a shell.</param>
internal sealed record CommandExample(string Purpose, string CommandLine);

/// <summary>
/// The examples of each command, for its help and for the manual page. They build on each other in the order in which they
/// stand here, in LitGPT's own folders.
/// </summary>
internal static class CommandExamples
{
    private static readonly Dictionary<string, CommandExample[]> ByCommand = new(StringComparer.Ordinal)
    {
        ["inspect"] =
        [
            new("Show what is in a checkpoint", "qkvmigrate inspect checkpoints/EleutherAI/pythia-1b"),
        ],
        ["upgrade"] =
        [
            new("Upgrade a checkpoint into checkpoints/EleutherAI/pythia-1b-qkv", "qkvmigrate upgrade checkpoints/EleutherAI/pythia-1b"),
            new("Upgrade all checkpoints below a directory, four at a time", "qkvmigrate upgrade checkpoints -o upgraded --jobs 4"),
        ],
        ["downgrade"] =
        [
            new("Get the legacy checkpoint back", "qkvmigrate downgrade checkpoints/EleutherAI/pythia-1b-qkv -o legacy"),
        ],
        ["recover"] =
        [
            new("Finish an upgrade with --journal that was interrupted", "qkvmigrate recover checkpoints/EleutherAI/pythia-1b"),
        ],
        ["export"] =
        [
            new("Write a folder that Transformers, vLLM and llama.cpp take", "qkvmigrate export checkpoints/EleutherAI/pythia-1b -o pythia-1b-hf"),
            new(
                "The same in bfloat16, in files of 2 GB at most",
                "qkvmigrate export checkpoints/EleutherAI/pythia-1b -o pythia-1b-bf16 --dtype bfloat16 --max-shard-size 2GB"),
        ],
        ["generate"] =
        [
            new("Ask an upgraded checkpoint something", "qkvmigrate generate checkpoints/EleutherAI/pythia-1b-qkv --prompt \"Hello\""),
        ],
        ["bench"] =
        [
            new("Compare the layouts in a small model", "qkvmigrate bench --model tiny-llama-1.1b --scale 0.03"),
        ],
        ["verify"] =
        [
            new("Prove that an upgrade changed nothing else", "qkvmigrate verify checkpoints upgraded"),
        ],
        ["report"] =
        [
            new("See what all runs have written into an output", "qkvmigrate report upgraded"),
        ],
        ["doctor"] =
        [
            new("See which PyTorch a Python environment would give, and what a filesystem can do", "qkvmigrate doctor checkpoints --libtorch ~/litgpt/.venv"),
        ],
        ["completion"] =
        [
            new("Complete commands and options in this bash", "source <(qkvmigrate completion bash)"),
        ],
        ["man"] =
        [
            new("Install the manual page", "qkvmigrate man > ~/.local/share/man/man1/qkvmigrate.1"),
        ],
    };

    /// <summary>The examples of a command, by its name; none for the program itself.</summary>
    public static IReadOnlyList<CommandExample> Of(string command) => ByCommand.GetValueOrDefault(command, []);
}
