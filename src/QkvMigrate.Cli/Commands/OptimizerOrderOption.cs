using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Planning.Optimizers;

namespace QkvMigrate.Cli.Commands;

/// <summary>The option by which a user says what a file does not prove: in which order an optimizer numbers its parameters.</summary>
internal sealed class OptimizerOrderOption
{
    private const string Model = "model";

    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = TypedOption.Choice(
        "--optimizer-order",
        "Take it that optimizers number their parameters in the order of the model, where neither names nor groups prove it.",
        [Model]);

    /// <summary>What the user said.</summary>
    public OptimizerOrder Read(ParseResult parsed) => parsed.GetValue(Option) == Model ? OptimizerOrder.Model : OptimizerOrder.Proven;
}
