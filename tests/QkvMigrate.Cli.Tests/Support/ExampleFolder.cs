using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>
/// A folder in which the examples of the help and of the README work: the samples, in their place and under the names that
/// LitGPT's users have, a home, and <c>qkvmigrate</c> on the path.
/// </summary>
internal sealed class ExampleFolder : IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly Dictionary<string, string> _environment;

    public ExampleFolder()
    {
        var samples = Repository.At("samples");
        foreach (var name in new[] { "tiny-licenses-gqa", "tiny-licenses-mha" })
        {
            _folder.Take(Path.Combine(samples, name), Path.Combine("samples", name));
        }

        _folder.Take(Path.Combine(samples, "tiny-licenses-mha"), "checkpoints/EleutherAI/pythia-1b");
        _folder.Take(Path.Combine(samples, "tiny-licenses-gqa"), "checkpoints/EleutherAI/pythia-160m");
        _folder.Take(Path.Combine(samples, "tiny-licenses-gqa"), ".");
        _environment = new Dictionary<string, string>(Tool.Environment)
        {
            ["PATH"] = $"{Path.GetDirectoryName(BuildFacts.Program)}:{Environment.GetEnvironmentVariable("PATH")}",
            ["HOME"] = _folder.At("home"),
        };
        foreach (var name in new[] { "bash-completion/completions", "man/man1" })
        {
            Directory.CreateDirectory(_folder.At("home", ".local", "share", name));
        }
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Runs a line as a user types it there.</summary>
    public ProcessResult Run(string line) =>
        ChildProcess.Run("bash", ["-c", $"cd \"$1\"; {line}", "bash", _folder.Path], _environment);
}
