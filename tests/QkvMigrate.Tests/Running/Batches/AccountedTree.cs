using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Support;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>A tree of two models and the output that runs over it write.</summary>
public abstract class AccountedTree : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private protected readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    protected AccountedTree()
    {
        Make("tree", "a");
        Make("tree", "b");
    }

    public void Dispose()
    {
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static string Statuses(IEnumerable<CheckpointReport> reports) => string.Join(' ', reports.Select(report => report.Status)).ToLowerInvariant();

    protected static IEnumerable<KeyValuePair<string, string>> WithoutReports(IEnumerable<KeyValuePair<string, string>> files) =>
        files.Where(file => !file.Key.StartsWith(".qkvmigrate/reports/", StringComparison.Ordinal) && file.Key != ".qkvmigrate/tree.json");

    protected void Make(string tree, string model, int step = 12000)
    {
        Directory.CreateDirectory(folder.At(tree, model));
        File.WriteAllBytes(folder.At(tree, model, "lit_model.pth"), (LegacyModel.Legacy with { Step = step }).ToFile());
        File.WriteAllText(folder.At(tree, model, "model_config.yaml"), Configuration);
    }

    private protected IReadOnlyList<CheckpointReport> Run(Func<MigrationRequest, MigrationRequest>? change = null, string source = "tree", CheckpointSelection? selection = null, EndedAtOnce? ended = null)
    {
        var request = new MigrationRequest { Path = folder.At(source), Output = Output(), Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], new BatchOptions { Selection = selection ?? CheckpointSelection.All, Observer = ended }, ended?.Token ?? TestContext.Current.CancellationToken);
    }

    protected IReadOnlyList<VerificationReport> Verify() =>
        PathVerifier.Run(folder.At("tree"), Output(), new VerificationOptions(), TestContext.Current.CancellationToken);

    protected IEnumerable<string> Results() => WorkFolder.Snapshot(Output()).Keys.Where(name => !name.StartsWith(".qkvmigrate/", StringComparison.Ordinal) && name != "SHA256SUMS");

    /// <summary>What <c>sha256sum -c</c> does.</summary>
    protected void AssertSumsHold()
    {
        Assert.All(
            File.ReadLines(Output("SHA256SUMS")),
            line => Assert.Equal(line[..64], WorkFolder.Sha256(Output(line[66..])), ignoreCase: true),
            throwIfEmpty: true);
    }

    protected string Output(params string[] names) => folder.At(["out", .. names]);
}
