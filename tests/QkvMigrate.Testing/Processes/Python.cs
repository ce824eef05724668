using Xunit;

namespace QkvMigrate.Testing.Processes;

/// <summary>Debian's CPython. Its standard library says what a pickle means and whether a zip is sound.</summary>
internal static class Python
{
    public const string Interpreter = "/usr/bin/python3";

    /// <summary>Ends the calling test where there is no Python.</summary>
    public static void Require()
    {
        if (!File.Exists(Interpreter))
        {
            Prerequisite.Missing($"needs {Interpreter}: apt-get install python3");
        }
    }

    /// <summary>Runs a script.</summary>
    /// <param name="script">The script's path below <c>tests</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">More for its environment.</param>
    public static ProcessResult Run(string script, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        Require();
        return ChildProcess.Run(Interpreter, ["-B", Repository.At("tests", script), .. arguments], environment);
    }

    /// <summary>Runs a script that must succeed over a file of these lines, all in one process, and returns the lines that it prints.</summary>
    public static IReadOnlyList<string> Lines(string script, IEnumerable<string> input)
    {
        using var folder = new WorkFolder();
        var file = folder.At("input.txt");
        File.WriteAllLines(file, input);
        return PrintedLines(Run(script, [file]));
    }

    /// <summary>The lines that a script printed which must have succeeded.</summary>
    public static IReadOnlyList<string> PrintedLines(ProcessResult result)
    {
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output.Split('\n')[..^1];
    }
}
