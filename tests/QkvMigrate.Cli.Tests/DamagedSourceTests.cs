using System.IO.Hashing;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Sources whose bytes that stay in place are no longer what they were when they were written, as their checksums tell.</summary>
public sealed class DamagedSourceTests : IDisposable
{
    /// <summary>The storage of a projection, 256 KiB.</summary>
    private const string Staying = "data/1";

    private readonly WorkFolder folder = new();

    public DamagedSourceTests() => LegacyCheckpoint.Write(Source, 2);

    private string Source => folder.At("model.pth");

    private string Target => folder.At("model-qkv.pth");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Staying, "--engine", "stream", "--verify", "full")]
    [InlineData(Staying, "--engine", "stream", "--verify", "full", "--in-place")]
    [InlineData("version", "--engine", "stream")]
    public void Is_refused_by_its_own_name_and_nothing_is_written(string entry, params string[] arguments)
    {
        var zip = File.ReadAllBytes(Source);
        var place = ZipSurgery.Find(zip, entry);
        var stored = Crc32.HashToUInt32(zip.AsSpan(place.Start, place.Length));
        zip[place.Start + (place.Length / 2)] ^= 0x10;
        var computed = Crc32.HashToUInt32(zip.AsSpan(place.Start, place.Length));
        File.WriteAllBytes(Source, zip);
        var before = folder.Snapshot();

        var run = Tool.Run(["upgrade", Source, .. arguments, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            $"qkvmigrate: error: {Source}: zip entry 'archive/{entry}' at byte {place.Start}: its bytes have CRC-32 {computed:x8}, the file gives {stored:x8}: it is damaged",
            Assert.Single(run.ErrorLines));
        Assert.Equal(before, folder.Snapshot());
    }

    /// <summary>A checksum that both files give, and the bytes of neither have.</summary>
    [Fact]
    public void Is_told_by_verify()
    {
        Assert.Equal(0, Tool.Run(["upgrade", Source, .. LegacyCheckpoint.Arguments]).ExitCode);
        foreach (var path in (string[])[Source, Target])
        {
            var zip = File.ReadAllBytes(path);
            ZipSurgery.SetChecksum(zip, ZipSurgery.Find(zip, Staying), 0x12345678);
            File.WriteAllBytes(path, zip);
        }

        var run = Tool.Run(["verify", Source, Target, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{Source}: zip entry 'archive/{Staying}' at byte", run.Output + run.Error, StringComparison.Ordinal);
        Assert.Contains("the file gives 12345678: it is damaged", run.Output + run.Error, StringComparison.Ordinal);
    }
}
