using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>A plan says whether its way back is exact, and so it is.</summary>
public sealed class WayBackTests : IDisposable
{
    private const string Code = "no-exact-way-back";

    private readonly MigratedFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(OriginalFileTests.Formats), MemberType = typeof(OriginalFileTests))]
    public void Nothing_is_said_where_the_old_file_comes_back(string format)
    {
        var original = folder.Write(OriginalFileTests.Bytes(format), "original");
        Assert.Empty(Said(original, request => request));
        Assert.Equal(File.ReadAllBytes(original), Back(original));
    }

    [Fact]
    public void What_is_left_out_is_told_before_anything_is_written()
    {
        var original = folder.Write(LegacyModel.Legacy.ToFile(), "original");
        Assert.Contains("storages that nothing names are left out", Assert.Single(Said(original, request => request with { DropUnreferenced = true })), StringComparison.Ordinal);
    }

    /// <summary>Two strings of one text stay in their slots, and the key is fetched from the second: no new file can tell which it was.</summary>
    [Fact]
    public void A_key_that_could_have_come_from_either_of_two_slots_is_told()
    {
        var key = TorchCode.Text(LegacyModel.Weight);
        var tensor = TorchCode.Tensor(TorchCode.Storage(TorchCode.Text("0"), 96), 0, [32, 3], [3, 1]);
        var pickle = TorchCode.Pickle($"}}({TorchCode.Text("names")}]({key}q\u0005{key}q\u0006e{TorchCode.Text("model")}}}(h\u0006{tensor}uu");
        var original = folder.Write(
            TorchFile.Write(("archive/data.pkl", pickle), ("archive/data/0", new byte[96 * sizeof(float)]), ("archive/version", "3\n"u8.ToArray())),
            "original");
        Assert.Contains("from byte", Assert.Single(Said(original, request => request)), StringComparison.Ordinal);
        Assert.NotEqual(File.ReadAllBytes(original), Back(original));
    }

    /// <summary>torch.serialization.set_crc32_options(False) leaves no checksums; an upgrade counts those of what it moves.</summary>
    [Fact]
    public void Checksums_that_were_not_there_are_told()
    {
        var bytes = LegacyModel.Legacy.ToFile();
        Assert.Empty(Said(folder.Write(bytes, "original"), request => request));
        foreach (var entry in ZipSurgery.Entries(bytes))
        {
            ZipSurgery.SetChecksum(bytes, entry, 0);
        }

        var original = folder.Write(bytes, "original");
        Assert.Contains("from byte", Assert.Single(Said(original, request => request)), StringComparison.Ordinal);
        Assert.NotEqual(bytes, Back(original));
    }

    private byte[] Back(string original) =>
        File.ReadAllBytes(folder.Migrate(MigrationDirection.Downgrade, folder.Migrate(MigrationDirection.Upgrade, original, "upgraded"), "back"));

    private IEnumerable<string> Said(string original, Func<MigrationRequest, MigrationRequest> change)
    {
        var request = new MigrationRequest
        {
            Path = original,
            Output = folder.At("planned"),
            Direction = MigrationDirection.Upgrade,
            Geometry = MigratedFolder.Geometry,
            DryRun = true,
            Engine = () => new StreamReorderEngine(),
        };
        var report = Assert.Single(Migrator.Run(change(request), TestContext.Current.CancellationToken));
        Assert.Equal(CheckpointStatus.Planned, report.Status);
        return report.Advice.Where(advice => advice.Code == Code).Select(advice => advice.Message);
    }
}
