using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The checksums that a zip gives for a tensor whose rows move: they find bit rot, which the new file's would hide.</summary>
public sealed class StoredChecksumTests : IDisposable
{
    private const string FusedMatrix = "data/0";

    private readonly WorkFolder folder = new();

    private string Source => folder.At("model.pth");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bit_that_flipped_in_a_row_that_moves_is_told(bool inPlace)
    {
        LegacyCheckpoint.Write(Source, layers: 2);
        var bytes = File.ReadAllBytes(Source);
        var fused = ZipSurgery.Find(bytes, FusedMatrix).Start;
        bytes[fused + 100_000] ^= 0x10;
        File.WriteAllBytes(Source, bytes);

        var run = Tool.Run(["upgrade", Source, .. LegacyCheckpoint.Arguments, .. inPlace ? (string[])["--in-place"] : []]);

        Assert.Equal(1, run.ExitCode);
        Assert.Matches($"{Source}: archive/data/0 at byte {fused}: its bytes have CRC-32 [0-9a-f]{{8}}, the file gives [0-9a-f]{{8}}: it is damaged$", Assert.Single(run.ErrorLines));
        Assert.Equal([Source], Directory.GetFiles(folder.At("")));
        Assert.Equal(bytes, File.ReadAllBytes(Source));
    }

    [Fact]
    public void A_file_whose_writer_counted_no_checksums_is_upgraded_and_verified()
    {
        LegacyCheckpoint.Write(Source, layers: 2);
        var sound = Upgrade(Source);
        var bytes = File.ReadAllBytes(Source);
        var entries = ZipSurgery.Entries(bytes);

        // The pickle, four storages, the version.
        Assert.Equal(6, entries.Count);
        entries.ForEach(entry => ZipSurgery.SetChecksum(bytes, entry, 0));
        File.WriteAllBytes(folder.At("uncounted.pth"), bytes);

        var upgraded = Upgrade(folder.At("uncounted.pth"));

        Assert.Equal(sound.Length, upgraded.Length);
        var fused = ZipSurgery.Find(bytes, FusedMatrix).Start;
        Assert.Equal(sound.AsSpan(fused, 100_000), upgraded.AsSpan(fused, 100_000));
    }

    private static byte[] Upgrade(string path)
    {
        var output = path + ".new";
        var run = Tool.Run(["upgrade", path, "-o", output, "--verify", "full", .. LegacyCheckpoint.Arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
        return File.ReadAllBytes(output);
    }
}
