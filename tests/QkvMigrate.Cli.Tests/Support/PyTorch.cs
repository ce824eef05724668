namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Debian's Python with the real PyTorch, which makes the fixtures and judges what the tool writes.</summary>
internal static class PyTorch
{
    private const string Interpreter = "/usr/bin/python3";

    private static readonly Lazy<bool> IsInstalled =
        new(() => File.Exists(Interpreter) && ChildProcess.Run(Interpreter, ["-c", "import torch, numpy, yaml"]).ExitCode == 0);

    /// <summary>Ends the calling test where there is no PyTorch.</summary>
    public static void Require()
    {
        if (!IsInstalled.Value)
        {
            Prerequisite.Missing($"needs {Interpreter} with PyTorch, NumPy and PyYAML: apt-get install python3-torch python3-numpy python3-yaml");
        }
    }

    /// <summary>Runs a script of <c>tests/fixtures</c>.</summary>
    public static ProcessResult Run(string script, params IEnumerable<string> arguments) =>
        Run(script, new Dictionary<string, string>(), arguments);

    /// <summary>Runs a script of <c>tests/fixtures</c> with more in its environment.</summary>
    public static ProcessResult Run(string script, IReadOnlyDictionary<string, string> environment, IEnumerable<string> arguments)
    {
        Require();
        var path = Path.Combine(BuildFacts.Repository, "tests", "fixtures", script);
        return ChildProcess.Run(Interpreter, [path, .. arguments], new Dictionary<string, string>(environment) { ["PYTHONDONTWRITEBYTECODE"] = "1" });
    }
}
