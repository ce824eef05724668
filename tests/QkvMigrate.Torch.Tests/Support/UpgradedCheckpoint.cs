using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>A legacy checkpoint directory, upgraded into a temporary one.</summary>
internal sealed class UpgradedCheckpoint : IDisposable
{
    private readonly WorkFolder folder = new();

    public UpgradedCheckpoint(string legacy, GeometryFlags? geometry = null)
    {
        Path = folder.At("upgraded");
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

    public void Dispose() => folder.Dispose();
}
