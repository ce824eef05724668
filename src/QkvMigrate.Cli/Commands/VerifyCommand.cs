using System.CommandLine;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate verify</c>: proves from two files that one is the upgrade or downgrade of the other, and nothing else.</summary>
internal sealed class VerifyCommand
{
    private readonly Argument<string> original = new("ORIGINAL") { Description = "A checkpoint file, a checkpoint directory, or a tree of them." };
    private readonly Argument<string> upgraded = new("UPGRADED") { Description = "What an upgrade or downgrade made of it." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly GeometryOptions geometry = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new VerifyCommand();
        var command = new Command("verify", "Compare every byte of an upgraded checkpoint with what its original makes it.");
        command.Arguments.Add(options.original);
        command.Arguments.Add(options.upgraded);
        command.Options.Add(options.json);
        options.geometry.AddTo(command);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var reports = PathVerifier.Run(parsed.GetValue(original)!, parsed.GetValue(upgraded)!, geometry.Read(parsed), VerificationMode.Full, Signals.Token);
        if (parsed.GetValue(json))
        {
            JsonVerification.Write(Console.Out, reports);
        }
        else
        {
            VerificationText.Write(Console.Out, reports);
        }

        using var log = new ConsoleLog(quiet: false, verbose: false);
        log.Failures(reports.Select(report => report.Error).OfType<MigrationException>());
        return reports.All(report => report.IsVerified) ? ExitCode.Success : ExitCode.Failure;
    }
}
