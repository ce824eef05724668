using System.Runtime.InteropServices;

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
}
