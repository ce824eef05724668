using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Trees;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>A tree of three units, of which one lies in another, and the output of runs over it.</summary>
public abstract class TreeOfThree : IDisposable
{
    protected const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";
    protected static readonly string[] Models = ["", "a", "a/inner"];

    private protected readonly WorkFolder folder = new();
    private protected readonly StreamReorderEngine engine = new();

    protected TreeOfThree()
    {
        foreach (var model in Models)
        {
            Directory.CreateDirectory(Source(model));
            File.WriteAllBytes(Source(model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(Source(model, "model_config.yaml"), Configuration);
        }
    }

    public void Dispose()
    {
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static WorkPart Part(int number, int count) =>
        QkvMigrate.Trees.WorkPart.TryParse($"{number}/{count}", out var part) ? part : throw new ArgumentOutOfRangeException(nameof(number));

    protected static string Statuses(IEnumerable<CheckpointReport> reports) => string.Join(' ', reports.Select(report => report.Status)).ToLowerInvariant();

    protected static IEnumerable<KeyValuePair<string, string>> WithoutReports(IEnumerable<KeyValuePair<string, string>> files) =>
        files.Where(file => !file.Key.StartsWith(".qkvmigrate/reports/", StringComparison.Ordinal));

    protected IReadOnlyList<CheckpointReport> Run(Func<MigrationRequest, MigrationRequest>? change = null, BatchOptions? options = null)
    {
        var request = new MigrationRequest { Path = Source(""), Output = Output(""), Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], options ?? new BatchOptions(), TestContext.Current.CancellationToken);
    }

    protected IReadOnlyList<VerificationReport> Verify() =>
        PathVerifier.Run(Source(""), Output(""), new VerificationOptions(), TestContext.Current.CancellationToken);

    /// <summary>Every file of the output with its time of change: a file that is written again has another one.</summary>
    protected List<(string Name, DateTime Written)> Files() =>
        [.. Directory.EnumerateFiles(Output(""), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => (file, File.GetLastWriteTimeUtc(file)))];

    protected string Source(params string[] names) => Below("tree", names);

    protected string Output(params string[] names) => Below("out", names);

    private string Below(string root, string[] names) => Path.TrimEndingDirectorySeparator(Path.Combine([folder.Path, root, .. names]));
}
