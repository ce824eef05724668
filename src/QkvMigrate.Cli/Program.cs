using System.CommandLine;
using QkvMigrate.Cli.Commands;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Reference;
using QkvMigrate.Cli.Streams;

namespace QkvMigrate.Cli;

/// <summary>The program: reads the command line, runs one command, and owns the exit code.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        StandardStreams.Open();
        UnexpectedFailure.TellFromEveryThread();
        return StandardStreams.Finish(Guarded(args));
    }

    private static int Guarded(string[] args)
    {
        try
        {
            Signals.Handle();
            return Run(args);
        }
        catch (MigrationException error)
        {
            ErrorOutput.Say(error.Message);
            return error.Kind == FailureKind.Usage ? ExitCode.Usage : ExitCode.Failure;
        }
        catch (OperationCanceledException) when (Signals.Token.IsCancellationRequested)
        {
            ErrorOutput.Say("cancelled; nothing was left behind");
            return Signals.ExitCode;
        }
        catch (Exception error)
        {
            return UnexpectedFailure.Tell(error);
        }
    }

    private static int Run(string[] args)
    {
        var root = new RootCommand("Upgrades legacy LitGPT checkpoints: fused QKV rows from interleaved (attn.attn) to sequential (attn.qkv).")
        {
            InspectCommand.Create(),
            MigrateCommand.Create(MigrationDirection.Upgrade),
            MigrateCommand.Create(MigrationDirection.Downgrade),
            RecoverCommand.Create(),
            GenerateCommand.Create(),
            ExportCommand.Create(),
            BenchCommand.Create(),
            VerifyCommand.Create(),
            ReportCommand.Create(),
            DoctorCommand.Create(),
            CompletionCommand.Create(),
            ManCommand.Create(),
        };
        root.Directives.Clear();
        HelpWithExamples.AddTo(root);
        var parsed = CommandLineReader.Read(root, args, out var problem);
        if (problem is not null)
        {
            ErrorOutput.Say(problem);
            return ExitCode.Usage;
        }

        // The library's default handler prints a whole exception, and ends the process two seconds after a signal:
        // failures are one line here, and temporary files are taken away however long that takes.
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }
}
