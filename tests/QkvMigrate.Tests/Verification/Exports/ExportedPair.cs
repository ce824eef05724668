using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>A checkpoint and its export in a folder of their own, and what a verification says of a changed one.</summary>
internal sealed class ExportedPair : IDisposable
{
    private readonly WorkFolder folder = new();
    private Dictionary<string, byte[]> right = [];

    private ExportedPair()
    {
    }

    public string Original => folder.At("original");

    public string Exported => folder.At("exported");

    /// <summary>The right export's files by name.</summary>
    public IReadOnlyDictionary<string, byte[]> Files => right;

    /// <summary>A model of a family, exported.</summary>
    public static ExportedPair Of(string family, bool isLegacy = true, ExportOptions? options = null) => Made(pair => ModelOfAFamily.Write(family, pair.Original, isLegacy), options);

    /// <summary>A checkpoint that <paramref name="write"/> puts into the pair's first folder, exported.</summary>
    public static ExportedPair Made(Action<ExportedPair> write, ExportOptions? options = null)
    {
        var pair = new ExportedPair();
        write(pair);
        pair.Export(options ?? new ExportOptions());
        return pair;
    }

    public VerificationReport Verify(VerificationMode mode = VerificationMode.Full) =>
        Assert.Single(PathVerifier.Run(Original, Exported, new VerificationOptions { Mode = mode }, TestContext.Current.CancellationToken));

    /// <summary>Verifies with one file changed, and puts it right again.</summary>
    public VerificationReport With(string file, Func<byte[], byte[]> change)
    {
        File.WriteAllBytes(Path.Combine(Exported, file), change([.. right[file]]));
        var report = Verify();
        File.WriteAllBytes(Path.Combine(Exported, file), right[file]);
        return report;
    }

    public void Dispose() => folder.Dispose();

    private void Export(ExportOptions options)
    {
        var report = Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = Original,
                Output = Exported,
                Direction = MigrationDirection.Upgrade,
                Export = options,
                Verification = null,
                Engine = () => throw new InvalidOperationException("an export reorders nothing"),
            },
            TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        right = Directory.EnumerateFiles(Exported).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes);
    }
}
