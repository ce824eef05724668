using System.Text;

namespace QkvMigrate.Cli.Streams;

/// <summary>
/// The program's streams: what they could not take is told once, at the end, and turns a success into a failure. The work
/// goes on meanwhile, and its files are what they would have been.
/// </summary>
internal static class StandardStreams
{
    private static readonly StandardStream Output = new(StandardDescriptors.Output);
    private static readonly StandardStream Error = new(StandardDescriptors.Error);

    /// <summary>Has <see cref="Console"/> write to them. To be called before anything is opened.</summary>
    public static void Open()
    {
        StandardDescriptors.Fill();
        Console.SetOut(Writer(Output));
        Console.SetError(Writer(Error));
    }

    /// <summary>The program's exit code, where <paramref name="code"/> is that of its work.</summary>
    public static int Finish(int code)
    {
        if (Output.Problem is { } problem)
        {
            Messages.Say($"standard output: {problem}; what was to be printed is lost, files are as they would be");
        }

        var isLost = Output.Problem is not null || Error.Problem is not null;
        return isLost && code is ExitCode.Success or ExitCode.LegacyFound ? ExitCode.Failure : code;
    }

    private static StreamWriter Writer(StandardStream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
}
