using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate generate</c>: lets the model in a checkpoint of either layout continue a prompt.</summary>
internal sealed class GenerateCommand
{
    private readonly Argument<string> path = new("PATH") { Description = "A checkpoint file or directory, legacy or upgraded, with its model_config.yaml." };
    private readonly Option<int[]?> tokens = new("--tokens") { Description = "The prompt as token numbers.", HelpName = "1,2,3", CustomParser = ParseTokens };
    private readonly Option<string?> prompt = new("--prompt") { Description = "The prompt as text: by the checkpoint's tokenizer.json, or a token for each byte.", HelpName = "TEXT" };
    private readonly Option<int?> count = new("--max-new-tokens") { Description = "How many tokens to put behind the prompt (50, or what the model's block size leaves).", HelpName = "N" };
    private readonly Option<double?> temperature = new("--temperature") { Description = "Draw tokens by their probabilities at this temperature; without it and --top-k the likeliest is taken.", HelpName = "T" };
    private readonly Option<int?> topK = new("--top-k") { Description = "Draw from the K likeliest tokens only.", HelpName = "K" };
    private readonly Option<long?> seed = new("--seed") { Description = "Draw the same tokens for the same seed (1234).", HelpName = "N" };
    private readonly Option<bool> logits = new("--logits") { Description = "Print the logits behind each token of the prompt too; --json always has them." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly ModelOptions model = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new GenerateCommand();
        var command = new Command("generate", "Let the model in a checkpoint, legacy or upgraded, continue a prompt.");
        command.Arguments.Add(options.path);
        foreach (var option in new Option[] { options.tokens, options.prompt, options.count, options.temperature, options.topK, options.seed, options.logits, options.json })
        {
            command.Options.Add(option);
        }

        options.model.AddTo(command);
        command.Validators.Add(options.Validate);
        command.SetAction(options.Run);
        return command;
    }

    private void Validate(CommandResult result)
    {
        if (result.GetResult(tokens) is null == result.GetResult(prompt) is null)
        {
            result.AddError("give --tokens or --prompt, and one of them only");
        }

        if (result.GetValue(count) is < 0)
        {
            result.AddError("--max-new-tokens takes a number from 0 on");
        }

        if (result.GetValue(temperature) is { } degree && !(degree >= 0 && double.IsFinite(degree)))
        {
            result.AddError("--temperature takes a number from 0 on");
        }

        if (result.GetValue(topK) is < 1)
        {
            result.AddError("--top-k takes a number from 1 on");
        }

        if (result.GetValue(seed) is not null && result.GetValue(topK) is null && result.GetValue(temperature) is null or 0)
        {
            result.AddError("--seed goes with --temperature or --top-k: without them nothing is drawn");
        }
    }

    private int Run(ParseResult parsed)
    {
        var location = CheckpointLocation.Find(parsed.GetValue(path)!);
        var text = parsed.GetValue(prompt);
        var tokenizer = text is null ? null : PromptTokenizers.Find(Path.GetDirectoryName(Path.GetFullPath(location.File))!, location.Configuration.VocabularySize);
        var result = CheckpointGeneration.Run(
            location,
            tokenizer?.Encode(text!) ?? parsed.GetValue(tokens)!,
            Options(parsed),
            model.Precision(parsed),
            model.Device(parsed),
            Signals.Token);
        if (parsed.GetValue(json))
        {
            JsonGeneration.Write(Console.Out, result, tokenizer?.Decode(result.Tokens));
        }
        else
        {
            TextGeneration.Write(Console.Out, result, tokenizer?.Decode(result.Tokens), parsed.GetValue(logits));
        }

        return ExitCode.Success;
    }

    private GenerationOptions Options(ParseResult parsed)
    {
        var defaults = new GenerationOptions();
        return defaults with
        {
            MaxNewTokens = parsed.GetValue(count),
            Temperature = parsed.GetValue(temperature),
            TopK = parsed.GetValue(topK),
            Seed = parsed.GetValue(seed) ?? defaults.Seed,
        };
    }

    private static int[]? ParseTokens(ArgumentResult result)
    {
        var numbers = new List<int>();
        foreach (var word in result.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!int.TryParse(word, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number))
            {
                result.AddError($"--tokens: '{word}' is no token number; expected numbers with commas between them");
                return null;
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }
}
