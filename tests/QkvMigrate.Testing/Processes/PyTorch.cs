namespace QkvMigrate.Testing.Processes;

/// <summary>Debian's Python with the real PyTorch, which makes the fixtures and judges what the tool writes.</summary>
internal static class PyTorch
{
    private static readonly Lazy<bool> IsInstalled =
        new(() => ChildProcess.Run(Python.Interpreter, ["-c", "import torch, numpy, yaml"]).ExitCode == 0);

    /// <summary>Ends the calling test where there is no PyTorch.</summary>
    public static void Require()
    {
        Python.Require();
        if (!IsInstalled.Value)
        {
            Prerequisite.Missing($"needs {Python.Interpreter} with PyTorch, NumPy and PyYAML: apt-get install python3-torch python3-numpy python3-yaml");
        }
    }

    /// <summary>Runs a script of <c>tests/fixtures</c>.</summary>
    public static ProcessResult Run(string script, params IEnumerable<string> arguments) =>
        Run(script, new Dictionary<string, string>(), arguments);

    /// <summary>Runs a script of <c>tests/fixtures</c> with more in its environment.</summary>
    public static ProcessResult Run(string script, IReadOnlyDictionary<string, string> environment, IEnumerable<string> arguments)
    {
        Require();
        return Python.Run(Path.Combine("fixtures", script), arguments, environment);
    }
}
