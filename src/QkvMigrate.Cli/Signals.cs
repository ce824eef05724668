using System.Runtime.InteropServices;

namespace QkvMigrate.Cli;

/// <summary>Turns SIGINT and SIGTERM into a cancellation, so that temporary files are taken away before the process ends.</summary>
internal sealed class Signals : IDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private const PosixSignal FileSizeLimit = (PosixSignal)25; // SIGXFSZ

    private static readonly CancellationTokenSource Source = new();
    private static int signal = Interrupt;

    private readonly PosixSignalRegistration[] registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Cancel(context, Interrupt)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Cancel(context, Terminate)),

        // A file beyond the limit of the process (ulimit -f) is an error of the call that wrote it, not the process's end.
        PosixSignalRegistration.Create(FileSizeLimit, context => context.Cancel = true),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public static CancellationToken Token => Source.Token;

    /// <summary>130 or 143.</summary>
    public static int ExitCode => Cli.ExitCode.SignalBase + signal;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in registrations)
        {
            registration.Dispose();
        }
    }

    private static void Cancel(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        signal = number;
        Source.Cancel();
    }
}
