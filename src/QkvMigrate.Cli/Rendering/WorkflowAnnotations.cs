using QkvMigrate.Layouts;
using QkvMigrate.Running;
using QkvMigrate.Running.Originals;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Rendering;

/// <summary>
/// Tells GitHub which files are at fault, so that a pull request shows it beside them: workflow commands
/// (docs.github.com, "Workflow commands for GitHub Actions"). They go to standard error, which the runner reads too, so
/// that standard output stays one JSON document.
/// </summary>
internal static class WorkflowAnnotations
{
    private const string Error = "error";
    private const string Warning = "warning";

    private static bool IsInWorkflow => Environment.GetEnvironmentVariable("GITHUB_ACTIONS") == "true";

    /// <summary>An error for each checkpoint that failed or was refused; where <paramref name="withLegacy"/>, a warning for each that is legacy.</summary>
    public static void Write(IEnumerable<CheckpointReport> reports, bool withLegacy = false)
    {
        if (!IsInWorkflow)
        {
            return;
        }

        foreach (var report in reports)
        {
            if (report.Error is { } error)
            {
                Console.Error.WriteLine(Command(Error, error.File ?? report.Path, JsonNames.Kebab(error.Kind.ToString()), error.Message));
            }
            else if (withLegacy && report.Status == CheckpointStatus.Planned)
            {
                Console.Error.WriteLine(
                    Command(
                        Warning,
                        report.Path,
                        "legacy checkpoint",
                        $"{(report.Layout ?? LayoutFamilies.None).Description}; an upgrade changes {report.Changes!.ChangedTensors} of "
                        + $"its {report.TensorCount} tensors"));
            }
        }
    }

    /// <summary>An error for each checkpoint that is not what its original makes it, or could not be verified.</summary>
    public static void Write(IEnumerable<VerificationReport> reports)
    {
        if (!IsInWorkflow)
        {
            return;
        }

        foreach (var report in reports.Where(report => !report.IsVerified))
        {
            var (title, message) = report.Error is { } error
                ? (JsonNames.Kebab(error.Kind.ToString()), error.Message)
                : ("differs", $"{report.DifferenceCount} differences from {report.Original}, the first: {report.Differences[0]}");
            Console.Error.WriteLine(Command(Error, report.Error?.File ?? report.Upgraded, title, message));
        }
    }

    /// <summary>An error for each file that is not what its original makes it, or whose original could not be made again.</summary>
    public static void Write(OriginalProof proof)
    {
        if (!IsInWorkflow)
        {
            return;
        }

        foreach (var report in proof.Reports.Where(report => !report.IsVerified))
        {
            var (title, message) = report.Error is { } error ? (JsonNames.Kebab(error.Kind.ToString()), error.Message) : ("differs", report.Problem!);
            Console.Error.WriteLine(Command(Error, report.Error?.File ?? report.Path, title, message));
        }
    }

    /// <summary>The runner makes a path below the workspace relative to it.</summary>
    private static string Command(string level, string file, string title, string message) =>
        $"::{level} file={Property(Path.GetFullPath(file))},title={Property($"qkvmigrate: {title}")}::{Data(message)}";

    /// <summary>As the toolkit's <c>escapeData</c> does (actions/toolkit, packages/core/src/command.ts).</summary>
    private static string Data(string text) => text
        .Replace("%", "%25", StringComparison.Ordinal)
        .Replace("\r", "%0D", StringComparison.Ordinal)
        .Replace("\n", "%0A", StringComparison.Ordinal);

    /// <summary>As its <c>escapeProperty</c> does.</summary>
    private static string Property(string text) => Data(text)
        .Replace(":", "%3A", StringComparison.Ordinal)
        .Replace(",", "%2C", StringComparison.Ordinal);
}
