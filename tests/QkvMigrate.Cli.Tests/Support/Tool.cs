using System.Globalization;
using System.Runtime.InteropServices;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Runs the built program as a user does.</summary>
internal static class Tool
{
    /// <summary>The program's host looks for the runtime there; it need not be installed where hosts look by themselves.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..")),
    };

    public static ProcessResult Run(params IEnumerable<string> arguments) => ChildProcess.Run(BuildFacts.Program, arguments, Environment);

    /// <summary>Runs the program and tells its peak memory, as the kernel counted it.</summary>
    public static (ProcessResult Result, long PeakKilobytes) RunMeasured(params IEnumerable<string> arguments)
    {
        using var folder = new WorkFolder();
        var result = PyTorch.Run("peak_memory.py", Environment, [folder.At("peak"), BuildFacts.Program, .. arguments]);
        return (result, long.Parse(File.ReadAllText(folder.At("peak")), CultureInfo.InvariantCulture));
    }
}
