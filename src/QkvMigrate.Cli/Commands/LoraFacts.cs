using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Cli.Commands;

/// <summary>What a user of <c>export</c> knows of a LoRA and its file does not say.</summary>
internal sealed class LoraFacts
{
    /// <summary>The LitGPT that trained it.</summary>
    public Option<string?> Era { get; } = LoraArguments.EraOption();

    /// <summary>LitGPT's <c>lora_alpha</c>.</summary>
    public Option<double?> Alpha { get; } = TypedOption.Number(
        "--lora-alpha",
        "X",
        "Of a LoRA: lora_alpha, where hyperparameters.yaml beside it does not say it.",
        "a finite number",
        _ => true);

    /// <summary>What the user said.</summary>
    public LoraOptions Read(ParseResult parsed) => new(IsBefore900: parsed.GetValue(Era) is not null) { Alpha = parsed.GetValue(Alpha) };
}
