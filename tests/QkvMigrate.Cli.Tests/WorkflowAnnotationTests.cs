using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>What GitHub's runner is told of, in a name that needs every escape.</summary>
public sealed class WorkflowAnnotationTests : IDisposable
{
    private static readonly Dictionary<string, string> InWorkflow = new(Tool.Environment) { ["GITHUB_ACTIONS"] = "true" };

    private readonly WorkFolder folder = new();

    private string Legacy => folder.At("100%, a:b", "lit_model.pth");

    private string Escaped => folder.At("100%25%2C a%3Ab", "lit_model.pth");

    public WorkflowAnnotationTests()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Legacy)!);
        LegacyCheckpoint.Write(Legacy, 1);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_legacy_checkpoint_is_a_warning_where_it_is_checked_for()
    {
        var run = Run(["upgrade", "--check", "--json", folder.Path, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(3, run.ExitCode);
        Assert.Equal([$"::warning file={Escaped},title=qkvmigrate%3A legacy checkpoint::interleaved (attn.attn), LitGPT's before 0.5.4; an upgrade changes 1 of its 2 tensors"], run.ErrorLines);
        Assert.Equal("planned", JsonReport.OnlyCheckpoint(run).Text("status"));
    }

    [Fact]
    public void A_refusal_is_an_error_and_its_message_is_escaped_less_than_its_file()
    {
        var run = Run("upgrade", folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(2, run.ErrorLines.Count);
        Assert.StartsWith($"::error file={Escaped},title=qkvmigrate%3A geometry::{Legacy.Replace("%", "%25", StringComparison.Ordinal)}: ", run.ErrorLines.Single(line => line.StartsWith("::", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_verification_that_fails_is_an_error_at_the_new_file()
    {
        var run = Run(["verify", Legacy, Legacy, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"::error file={Escaped},title=qkvmigrate%3A differs::", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void Elsewhere_nothing_is_annotated()
    {
        var run = Tool.Run(["upgrade", "--check", folder.Path, .. LegacyCheckpoint.Arguments]);
        Assert.Equal(3, run.ExitCode);
        Assert.Empty(run.ErrorLines);
    }

    private static ProcessResult Run(params IEnumerable<string> arguments) => ChildProcess.Run(BuildFacts.Program, arguments, InWorkflow);
}
