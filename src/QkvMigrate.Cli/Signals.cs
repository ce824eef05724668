using System.Runtime.InteropServices;

namespace QkvMigrate.Cli;

/// <summary>
/// Turns SIGHUP, SIGINT, SIGQUIT and SIGTERM into a cancellation, so that temporary files are taken away before the process ends.
/// On Windows .NET has these for a console that is closed, Ctrl-C, Ctrl-Break and a system that shuts down.
/// </summary>
internal static class Signals
{
    private const int HangUp = 1;
    private const int Interrupt = 2;
    private const int Quit = 3;
    private const int Terminate = 15;
    private const PosixSignal FileSizeLimit = (PosixSignal)25; // SIGXFSZ

    private static readonly CancellationTokenSource Source = new();
    private static readonly List<PosixSignalRegistration> Registrations = [];
    private static int signal = Interrupt;

    /// <summary>Cancelled by the first signal.</summary>
    public static CancellationToken Token => Source.Token;

    /// <summary>129, 130, 131 or 143.</summary>
    public static int ExitCode => Cli.ExitCode.SignalBase + signal;

    /// <summary>
    /// Has the signals handled until the process is gone: one that comes when the work is done must not end it with
    /// another exit code.
    /// </summary>
    public static void Handle()
    {
        Registrations.AddRange(
        [
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Cancel(context, HangUp)),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Cancel(context, Interrupt)),
            PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context => Cancel(context, Quit)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Cancel(context, Terminate)),
        ]);
        if (!OperatingSystem.IsWindows())
        {
            // A file beyond the limit of the process (ulimit -f) is an error of the call that wrote it, not the process's end.
            Registrations.Add(PosixSignalRegistration.Create(FileSizeLimit, context => context.Cancel = true));
        }
    }

    private static void Cancel(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        if (!Source.IsCancellationRequested)
        {
            signal = number;
            Source.Cancel();
        }
    }
}
