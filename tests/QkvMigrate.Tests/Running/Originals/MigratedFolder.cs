using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Originals;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>A folder with originals, what was made of them, and the proof of that from their checksums alone.</summary>
internal sealed class MigratedFolder : IDisposable
{
    private readonly WorkFolder folder = new();

    /// <summary>The geometry of <see cref="LegacyModel"/>.</summary>
    public static GeometryFlags Geometry { get; } = new(LegacyModel.Geometry.HeadCount, LegacyModel.Geometry.QueryGroupCount, LegacyModel.Geometry.HeadSize);

    public string At(params string[] names) => folder.At(names);

    public void Dispose() => folder.Dispose();

    /// <summary>Writes a file, and its folder where that is not there.</summary>
    public string Write(byte[] bytes, params string[] names)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(names))!);
        File.WriteAllBytes(At(names), bytes);
        return At(names);
    }

    /// <summary>Upgrades or downgrades a file or a folder; all of it must succeed.</summary>
    public string Migrate(MigrationDirection direction, string source, string output, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        var request = new MigrationRequest
        {
            Path = source,
            Output = At(output),
            Direction = direction,
            Geometry = Geometry,
            Engine = () => new StreamReorderEngine(),
        };
        var reports = Migrator.Run(change?.Invoke(request) ?? request, TestContext.Current.CancellationToken);
        Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
        return At(output);
    }

    /// <summary>The proof of a file from the checksum of <paramref name="original"/>.</summary>
    public static OriginalReport Prove(string upgraded, string original, MigrationDirection? direction = null) =>
        Assert.Single(Prove(upgraded, OriginalChecksums.Of(WorkFolder.Sha256(original)), direction).Reports);

    /// <summary>The proof of a file or a folder.</summary>
    public static OriginalProof Prove(string upgraded, OriginalChecksums checksums, MigrationDirection? direction = null) => OriginalProver.Run(
        new OriginalRequest { Path = upgraded, Checksums = checksums, Direction = direction, Geometry = Geometry },
        TestContext.Current.CancellationToken);

    /// <summary>A list of all files below a folder, as <c>sha256sum</c> writes it.</summary>
    public string List(string of, string name = "sums")
    {
        var files = Directory.EnumerateFiles(At(of), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        return folder.Write(name, string.Concat(files.Select(file => $"{WorkFolder.Sha256(file)}  {Path.GetRelativePath(At(of), file)}\n")));
    }
}
