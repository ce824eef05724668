using System.Text;

namespace QkvMigrate.Cli.Streams;

/// <summary>
/// The program's streams: what they could not take is told once, at the end, and turns a success into a failure. The work
/// goes on meanwhile, and its files are what they would have been.
/// </summary>
internal static class StandardStreams
{
    /// <summary>The number of no descriptor: what is written there fails.</summary>
    private const int Closed = -1;

    private static StandardStream output = new(Closed);
    private static StandardStream error = new(Closed);

    /// <summary>Has <see cref="Console"/> write to them. To be called before anything is opened.</summary>
    public static void Open()
    {
        var taken = StandardDescriptors.Fill();
        output = new StandardStream(taken.Contains(StandardDescriptors.Output) ? Closed : StandardDescriptors.Output);
        error = new StandardStream(taken.Contains(StandardDescriptors.Error) ? Closed : StandardDescriptors.Error);
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

    private static StreamWriter Writer(StandardStream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
}
