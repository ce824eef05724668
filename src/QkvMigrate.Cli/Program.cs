using System.CommandLine;
using QkvMigrate.Cli.Commands;
using QkvMigrate.Cli.Reference;
using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli;

/// <summary>The program: reads the command line, runs one command, and owns the exit code.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var root = new RootCommand("Upgrades legacy LitGPT checkpoints: fused QKV rows from interleaved (attn.attn) to sequential (attn.qkv).")
        {
            InspectCommand.Create(),
            MigrateCommand.Create(MigrationDirection.Upgrade),
            MigrateCommand.Create(MigrationDirection.Downgrade),
            GenerateCommand.Create(),
            BenchCommand.Create(),
            VerifyCommand.Create(),
            ReportCommand.Create(),
            CompletionCommand.Create(),
            ManCommand.Create(),
        };
        HelpWithExamples.AddTo(root);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                // The library sets the words that a value may be on lines of their own.
                Say(error.Message.Replace($"{Environment.NewLine}\t", " ", StringComparison.Ordinal));
            }

            Say("see 'qkvmigrate --help'");
            return ExitCode.Usage;
        }

        // The library's default handler prints a whole exception, and ends the process two seconds after a signal:
        // failures are one line here, and temporary files are taken away however long that takes.
        using var signals = new Signals();
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (MigrationException error)
        {
            Say(error.Message);
            return error.Kind == FailureKind.Usage ? ExitCode.Usage : ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            Say("cancelled; nothing was left behind");
            return Signals.ExitCode;
        }
    }

    private static void Say(string message)
    {
        using var lines = new PrintableWriter(Console.Error, Terminal.ErrorWidth);
        lines.WriteLine($"qkvmigrate: {message}");
    }
}
