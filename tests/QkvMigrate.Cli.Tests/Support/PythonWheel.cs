using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>The wheel of the program under test, and environments of Debian's Python in which it is installed.</summary>
internal static class PythonWheel
{
    private const string Modules = "import hatchling, mypy, ensurepip";

    /// <summary>Builds the wheel into a folder, and returns its path.</summary>
    public static string Build(string output)
    {
        Require();
        if (!BuildFacts.IsNative)
        {
            Prerequisite.Missing("a wheel has the native program: dotnet publish src/QkvMigrate.Cli -o DIR, and QKVMIGRATE_PROGRAM=DIR/qkvmigrate");
        }

        Succeed(ChildProcess.Run(
            Repository.At("packaging", "python", "build"),
            [Path.GetDirectoryName(BuildFacts.Program)!, output],
            new Dictionary<string, string> { ["PYTHON"] = Python.Interpreter }));
        return Assert.Single(Directory.GetFiles(output, "*.whl"));
    }

    /// <summary>Makes an environment that has nothing but pip, and returns its folder of programs.</summary>
    public static string CreateEnvironment(string path)
    {
        Require();
        Succeed(ChildProcess.Run(Python.Interpreter, ["-m", "venv", path]));
        return Path.Combine(path, "bin");
    }

    /// <summary>Runs a module of Debian's Python in the wheel's project.</summary>
    public static ProcessResult RunInProject(params string[] arguments)
    {
        Require();
        return ChildProcess.Run("/usr/bin/env", ["-C", Repository.At("packaging", "python"), Python.Interpreter, "-B", .. arguments]);
    }

    public static string Succeed(ProcessResult run)
    {
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        return run.Output;
    }

    private static void Require()
    {
        Python.Require();
        if (ChildProcess.Run(Python.Interpreter, ["-c", Modules]).ExitCode != 0 || ChildProcess.Run("/bin/sh", ["-c", "command -v advzip"]).ExitCode != 0)
        {
            Prerequisite.Missing($"needs {Python.Interpreter} with venv, hatchling, advzip and mypy: apt-get install python3-venv python3-hatchling advancecomp mypy");
        }
    }
}
