using System.Diagnostics;
using System.Globalization;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>The built program while it runs, to be stopped, disturbed and killed.</summary>
internal sealed class RunningTool : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> error;

    private RunningTool(Process process)
    {
        this.process = process;
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public int Id => process.Id;

    public bool HasEnded => process.HasExited;

    public static RunningTool Start(params IEnumerable<string> arguments) =>
        new(ChildStart.Start(BuildFacts.Program, arguments, Tool.Environment));

    /// <summary>Stops the program as soon as the file that it writes for <paramref name="target"/> is there; false where it was faster.</summary>
    public bool StopWhileWriting(string target)
    {
        var folder = Path.GetDirectoryName(target)!;
        while (!HasEnded)
        {
            if (Directory.EnumerateFiles(folder, $".{Path.GetFileName(target)}.*.qkvmigrate-tmp").Any())
            {
                Signal("STOP");
                return !HasEnded && Directory.EnumerateFiles(folder, $".{Path.GetFileName(target)}.*.qkvmigrate-tmp").Any();
            }

            Thread.Sleep(1);
        }

        return false;
    }

    public void Signal(string name) =>
        ChildProcess.Run("/bin/sh", ["-c", $"kill -{name} {Id.ToString(CultureInfo.InvariantCulture)}"]);

    public void Kill() => process.Kill();

    public ProcessResult Wait()
    {
        Assert.True(process.WaitForExit(Patience), "the program does not end");
        process.WaitForExit();
        return new ProcessResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }
}
