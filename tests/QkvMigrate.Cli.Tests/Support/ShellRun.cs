using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Runs the program with streams, limits and words that only a shell can give it.</summary>
internal static class ShellRun
{
    /// <summary>Runs the program in <paramref name="folder"/>.</summary>
    /// <param name="folder">The working directory.</param>
    /// <param name="before">What the shell does first, such as <c>ulimit -n 20</c>, or nothing.</param>
    /// <param name="behind">What stands behind the program's arguments, such as <c>&gt;/dev/full</c>.</param>
    /// <param name="arguments">The arguments.</param>
    public static ProcessResult Run(string folder, string before, string behind, params IEnumerable<string> arguments) =>
        ChildProcess.Run("bash", ["-c", $"cd \"$0\" || exit 99\n{before}\nexec \"$@\" {behind}", folder, BuildFacts.Program, .. arguments], Tool.Environment);
}
