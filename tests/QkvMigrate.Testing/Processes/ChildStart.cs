using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QkvMigrate.Testing.Processes;

/// <summary>
/// How processes of the tests start: always in the same state, whatever the test run itself was started with. nohup, cron
/// and <c>&amp;</c> in a script leave SIGINT or SIGHUP ignored, which programs inherit; terminals and CI servers leave
/// variables that programs heed; standard input may be closed, and new files may be closed to others (umask).
/// </summary>
internal static partial class ChildStart
{
    private const uint OrdinaryUmask = 0x12; // 022: new files may be read by everyone.

    // What finds programs, the runtime, packages and libtorch. All else that a test wants to be there it says itself.
    private static readonly string[] Kept = ["PATH", "HOME", "TMPDIR", "DOTNET", "NUGET", "MSBUILD", "QKVMIGRATE_LIBTORCH", "QKVMIGRATE_PORTABLE"];

    /// <summary>The start of a program whose outputs are read and whose standard input is at its end.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">What it finds in its environment besides what finds programs and packages.</param>
    public static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        // A process can not give its child other signals than its own; env, which becomes the program, can (coreutils 8.31).
        var start = new ProcessStartInfo("/usr/bin/env", ["--default-signal", program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => !Array.Exists(Kept, kept => name.StartsWith(kept, StringComparison.OrdinalIgnoreCase))).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C.UTF-8";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    // Files that a test makes for another user of the machine, and files that its children make, have these permissions.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "A test that uses anything of this library must find the permissions set.")]
    internal static void SetUmask() => _ = Umask(OrdinaryUmask);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);
}
