using Xunit;

namespace QkvMigrate.Testing.Processes;

/// <summary>How a process ended and what it said.</summary>
/// <param name="ExitCode">The exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public record ProcessResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard error that are not empty.</summary>
    public IReadOnlyList<string> ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>Runs processes to their end.</summary>
internal static class ChildProcess
{
    // No run of the suite needs a tenth of it; without an end a hanging program would hang the whole suite.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static ProcessResult Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        List<string> words = [.. arguments];
        using var process = ChildStart.Start(program, words, environment ?? new Dictionary<string, string>());
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', words)} did not end within {Patience}");
        }

        process.WaitForExit();
        return new ProcessResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
