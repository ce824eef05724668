using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Torch;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>--libtorch</c>: where PyTorch's libraries are.</summary>
internal sealed class LibtorchOption
{
    /// <summary>The option itself.</summary>
    public Option<string?> Option { get; } = TypedOption.PathTo(
        "--libtorch",
        "PATH",
        "Take PyTorch's libraries from here: a folder of them, site-packages/torch, a Python environment, or its interpreter, which is not run.");

    /// <summary>Has the run take it; the log's details say what was taken, when something needs it.</summary>
    public void Choose(ParseResult parsed, ConsoleLog log) => TorchLibrary.Choose(parsed.GetValue(Option), log.Detail);
}
