using QkvMigrate.Cli.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Support;

/// <summary>Debian's CPython, which says what a pickle means and whether a zip is sound. Only its standard library is used, but where PyTorch is asked for.</summary>
internal static class Python
{
    private const string Interpreter = "/usr/bin/python3";

    private static readonly Lazy<bool> HasTorch =
        new(() => File.Exists(Interpreter) && ChildProcess.Run(Interpreter, ["-c", "import torch, numpy"]).ExitCode == 0);

    /// <summary>Runs a script of this project over lines of input, all in one process, and returns its lines of output.</summary>
    /// <param name="script">The script's path within the project.</param>
    /// <param name="input">The lines of the file that the script is given.</param>
    public static IReadOnlyList<string> Run(string script, IEnumerable<string> input)
    {
        if (!File.Exists(Interpreter))
        {
            Prerequisite.Missing($"needs {Interpreter}: apt-get install python3");
        }

        using var folder = new WorkFolder();
        var file = folder.At("input.txt");
        File.WriteAllLines(file, input);
        return Lines(script, [file]);
    }

    /// <summary>Runs a script of <c>tests/fixtures</c> that needs PyTorch, and returns its lines of output.</summary>
    public static IReadOnlyList<string> RunWithTorch(string script)
    {
        if (!HasTorch.Value)
        {
            Prerequisite.Missing($"needs {Interpreter} with PyTorch and NumPy: apt-get install python3-torch python3-numpy");
        }

        return Lines(Path.Combine("fixtures", script), []);
    }

    /// <summary>What CPython makes of each pickle, in the words of <c>PickleRendering</c>.</summary>
    public static IReadOnlyList<string> Render(IEnumerable<byte[]> pickles) =>
        Run("Pickling/render_pickles.py", pickles.Select(Convert.ToHexStringLower));

    private static string[] Lines(string script, IEnumerable<string> arguments)
    {
        var result = ChildProcess.Run(Interpreter, ["-B", Path.Combine(AppContext.BaseDirectory, script), .. arguments]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output.Split('\n')[..^1];
    }
}
