using System.CommandLine;
using QkvMigrate.Migration.Lora;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user says what LoRA is in a checkpoint, and what is to become of it.</summary>
internal sealed class LoraArguments
{
    private const string Expand = "expand";
    private const string Before900 = "pre-900";

    private readonly Option<string?> treatment = new("--lora") { Description = "Where a LoRA's delta has to move to other rows: keep it exactly, at a higher rank.", HelpName = Expand };
    private readonly Option<string?> era = new("--lora-era") { Description = "The LoRA was trained by a LitGPT before 2024-02-05 (#900), which its file does not say.", HelpName = Before900 };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        treatment.AcceptOnlyFromAmong(Expand);
        era.AcceptOnlyFromAmong(Before900);
        command.Options.Add(treatment);
        command.Options.Add(era);
    }

    /// <summary>What the user said.</summary>
    public LoraOptions Read(ParseResult parsed) => new(
        parsed.GetValue(treatment) is not null ? LoraTreatment.Expand : LoraTreatment.Refuse,
        parsed.GetValue(era) is not null);
}
