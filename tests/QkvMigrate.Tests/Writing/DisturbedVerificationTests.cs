using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>A source that changes when the new file is written and not proven yet: that is the reason to give, and the result is thrown away.</summary>
public sealed class DisturbedVerificationTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-disturbed-");
    private readonly StreamReorderEngine engine = new();

    private string Source => Path.Combine(folder.FullName, "lit_model.pth");

    private string Output => Path.Combine(folder.FullName, "out.pth");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(VerificationMode.Full, true)]
    [InlineData(VerificationMode.Full, false)]
    [InlineData(null, false)]
    public void A_source_that_changes_meanwhile_is_told(VerificationMode? mode, bool isCut)
    {
        File.WriteAllBytes(Source, LegacyModel.Legacy.ToFile());
        var length = new FileInfo(Source).Length;

        var report = Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = Source,
                Output = Output,
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(LegacyModel.Geometry.HeadCount, LegacyModel.Geometry.QueryGroupCount, LegacyModel.Geometry.HeadSize),
                Engine = () => engine,
                Verification = mode,
                Progress = new Disturbance(() => Disturb(isCut ? length / 2 : length)),
            },
            TestContext.Current.CancellationToken));

        Assert.Equal(FailureKind.Io, report.Error?.Kind);
        Assert.Equal($"{Source}: the file was changed while it was read ({length} bytes before, {(isCut ? length / 2 : length)} after); the result was thrown away", report.Error!.Message);
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.FullName));
    }

    private void Disturb(long length)
    {
        // As other programs open files: .NET's own lock is advice that they do not take.
        using var file = new FileStream(Source, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.WriteByte((byte)'P');
        file.SetLength(length);
    }

    /// <summary>Does something once the file is written.</summary>
    private sealed class Disturbance(Action disturb) : IWriteProgress, IFileProgress
    {
        public IFileProgress Begin(string path, long bytes) => this;

        public void Advance(long bytes)
        {
        }

        public void Enter(WriteStage stage)
        {
            if (stage == WriteStage.Verifying)
            {
                disturb();
            }
        }

        public void Dispose()
        {
        }
    }
}
