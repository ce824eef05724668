using QkvMigrate.Configuration;
using QkvMigrate.Migration;
using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>A legacy checkpoint directory, upgraded into a temporary one.</summary>
internal sealed class UpgradedCheckpoint : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-tests-");

    public UpgradedCheckpoint(string legacy, GeometryFlags? geometry = null)
    {
        Path = System.IO.Path.Combine(folder.FullName, "upgraded");
        var reports = Migrator.Run(
            new MigrationRequest
            {
                Path = legacy,
                Direction = MigrationDirection.Upgrade,
                Geometry = geometry ?? new GeometryFlags(),
                Output = Path,
                Engine = () => new StreamReorderEngine(),
            },
            CancellationToken.None);
        Assert.Equal(CheckpointStatus.Upgraded, Assert.Single(reports).Status);
    }

    public string Path { get; }

    public void Dispose() => folder.Delete(recursive: true);
}
