using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user says what LoRA is in a checkpoint, and what is to become of it.</summary>
internal sealed class LoraArguments
{
    private const string Expand = "expand";
    private const string Merge = "merge";
    private const string Before900 = "pre-900";

    private readonly bool canMerge;
    private readonly Option<string?> treatment;
    private readonly Option<string?> era = EraOption();
    private readonly Option<string?> basePath = TypedOption.PathTo(
        "--lora-base",
        "PATH",
        "With --lora merge: the model that the LoRA was trained on, a file or a directory with a lit_model.pth; checkpoint_dir in "
        + "hyperparameters.yaml beside the LoRA where this is not given, seen from the working directory as LitGPT does.");
    private readonly Option<double?> alpha = TypedOption.Number(
        "--lora-alpha",
        "X",
        "With --lora merge: lora_alpha, where hyperparameters.yaml beside the LoRA does not say it.",
        "a finite number",
        _ => true);
    private readonly Option<long?> rank = TypedOption.LongCount(
        "--lora-r",
        "N",
        "With --lora merge: lora_r; refused where the LoRA's matrices have another rank.",
        least: 1);

    private LoraArguments(Option<string?> treatment)
    {
        canMerge = true;
        this.treatment = treatment;
    }

    /// <summary>The options of a migration in <paramref name="direction"/>; a merge has no inverse.</summary>
    public LoraArguments(MigrationDirection direction)
    {
        canMerge = direction == MigrationDirection.Upgrade;
        treatment = TypedOption.Choice(
            "--lora",
            "Where a LoRA's delta has to move to other rows, expand keeps it exactly, at a higher rank."
                + (canMerge ? $" merge adds the delta to the LoRA's base and writes that: lit_model.pth in DIR{OutputSuffix.Merged} for a directory, NAME{OutputSuffix.Merged}.pth for NAME.pth.lora." : ""),
            canMerge ? [Expand, Merge] : [Expand]);
    }

    /// <summary>The options by which a merged model is verified.</summary>
    public static LoraArguments OfMerged() => new(TypedOption.Choice(
        "--lora",
        "The first path is a LoRA, or a directory or tree of such, and the second what upgrade --lora merge made of it and its base.",
        [Merge]));

    /// <summary>The option that names the LitGPT by which a LoRA was trained.</summary>
    public static Option<string?> EraOption() => TypedOption.Choice(
        "--lora-era",
        "The LoRA was trained by a LitGPT before 2024-02-05 (#900), which its file does not say.",
        [Before900]);

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(RuledCommand command)
    {
        command.Options.Add(treatment);
        command.Options.Add(era);
        if (!canMerge)
        {
            return;
        }

        command.Options.Add(basePath);
        command.Options.Add(alpha);
        command.Options.Add(rank);
        command.AddRule(parsed =>
            parsed.GetValue(treatment) != Merge
            && (parsed.GetValue(basePath) is not null || parsed.GetValue(alpha) is not null || parsed.GetValue(rank) is not null)
                ? "--lora-base, --lora-alpha and --lora-r go with --lora merge"
                : null);
    }

    /// <summary>What the user said.</summary>
    public LoraOptions Read(ParseResult parsed)
    {
        var options = new LoraOptions(
            parsed.GetValue(treatment) switch { Expand => LoraTreatment.Expand, Merge => LoraTreatment.Merge, _ => LoraTreatment.Refuse },
            parsed.GetValue(era) is not null);
        return options.Treatment == LoraTreatment.Merge
            ? options with { Base = parsed.GetValue(basePath), Alpha = parsed.GetValue(alpha), Rank = parsed.GetValue(rank) }
            : options;
    }
}
