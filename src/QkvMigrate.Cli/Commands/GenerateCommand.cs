using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate generate</c>: lets the model in a checkpoint of either layout continue a prompt.</summary>
internal sealed class GenerateCommand
{
    private readonly Argument<string> path = TypedArgument.OnePath("PATH", "A checkpoint file or directory, legacy or upgraded, with its model_config.yaml.");
    private readonly Option<int[]?> tokens = TypedOption.Of<int[]>(
        "--tokens",
        "1,2,3",
        "The prompt as token numbers.",
        "token numbers with commas between them",
        TryReadTokens);
    private readonly Option<string?> prompt = TypedOption.Text(
        "--prompt",
        "TEXT",
        "The prompt as text: by the checkpoint's tokenizer.json, or a token for each byte.",
        "a text that is not empty",
        text => text.Length > 0);

    private readonly Option<int?> count = TypedOption.Count(
        "--max-new-tokens", "N", "How many tokens to put behind the prompt (50, or what the model's block size leaves).", least: 0);

    private readonly Option<double?> temperature = TypedOption.Number(
        "--temperature",
        "T",
        "Draw tokens by their probabilities at this temperature; without it and --top-k the likeliest is taken.",
        "a number from 0 on",
        degree => degree >= 0);

    private readonly Option<int?> topK = TypedOption.Count("--top-k", "K", "Draw from the K likeliest tokens only.", least: 1);
    private readonly Option<long?> seed = TypedOption.LongCount("--seed", "N", "Draw the same tokens for the same seed (1234).", least: long.MinValue);
    private readonly Option<bool> logits = new("--logits") { Description = "Print the logits behind each token of the prompt too; --json always has them." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly ModelOptions model = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new GenerateCommand();
        var command = new RuledCommand("generate", "Let the model in a checkpoint, legacy or upgraded, continue a prompt.");
        command.Arguments.Add(options.path);
        Option[] all = [options.tokens, options.prompt, options.count, options.temperature, options.topK, options.seed, options.logits, options.json];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        options.model.AddTo(command);
        command.AddRule(options.PromptProblem);
        command.AddRule(options.SeedProblem);
        command.SetAction(options.Run);
        return command;
    }

    private string? PromptProblem(ParseResult parsed) =>
        parsed.GetResult(tokens) is null == parsed.GetResult(prompt) is null ? "give --tokens or --prompt, and one of them only" : null;

    private string? SeedProblem(ParseResult parsed) =>
        parsed.GetValue(seed) is not null && parsed.GetValue(topK) is null && parsed.GetValue(temperature) is null or 0
            ? "--seed goes with --temperature or --top-k: without them nothing is drawn"
            : null;

    private int Run(ParseResult parsed)
    {
        using var log = model.Begin(parsed);
        var location = CheckpointLocation.Find(parsed.GetValue(path)!);
        var text = parsed.GetValue(prompt);
        var tokenizer = text is null
            ? null
            : PromptTokenizers.Find(Path.GetDirectoryName(Path.GetFullPath(location.File))!, location.Configuration.VocabularySize);
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
            WithPromptLogits = parsed.GetValue(logits) || parsed.GetValue(json),
            Temperature = parsed.GetValue(temperature),
            TopK = parsed.GetValue(topK),
            Seed = parsed.GetValue(seed) ?? defaults.Seed,
        };
    }

    private static bool TryReadTokens(string text, [NotNullWhen(true)] out int[]? tokens)
    {
        var numbers = new List<int>();
        foreach (var word in text.Split(','))
        {
            if (!int.TryParse(word, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number))
            {
                tokens = null;
                return false;
            }

            numbers.Add(number);
        }

        tokens = [.. numbers];
        return true;
    }
}
