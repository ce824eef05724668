using System.Runtime.Versioning;
using System.Text;

namespace QkvMigrate.Cli.Streams;

/// <summary>
/// The program's streams: what they could not take is told once, at the end, and turns a success into a failure. The work
/// goes on meanwhile, and its files are what they would have been.
/// </summary>
internal static class StandardStreams
{
    private static readonly ClosedOutput Unopened = new("not open");

    private static StandardStream output = new(Unopened);
    private static StandardStream error = new(Unopened);

    /// <summary>Has <see cref="Console"/> write to them. To be called before anything is opened.</summary>
    public static void Open()
    {
        (output, error) = OperatingSystem.IsWindows()
            ? (new StandardStream(WindowsOutput.Output), new StandardStream(WindowsOutput.Error))
            : OfUnix(StandardDescriptors.Fill());
        Console.SetOut(Writer(output));
        Console.SetError(Writer(error));
    }

    /// <summary>The program's exit code, where <paramref name="code"/> is that of its work.</summary>
    public static int Finish(int code)
    {
        if (output.Problem is { } problem)
        {
            ErrorOutput.Say($"standard output: {problem}; not all of the result was printed, what was done to files stays done");
        }

        var isLost = output.Problem is not null || error.Problem is not null;
        return isLost && code is ExitCode.Success or ExitCode.LegacyFound ? ExitCode.Failure : code;
    }

    [UnsupportedOSPlatform("windows")]
    private static (StandardStream Output, StandardStream Error) OfUnix(IReadOnlySet<int> taken)
    {
        return (Of(StandardDescriptors.Output), Of(StandardDescriptors.Error));

        StandardStream Of(int descriptor) => new(taken.Contains(descriptor) ? UnixOutput.Closed : new UnixOutput(descriptor));
    }

    private static StreamWriter Writer(StandardStream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
}
