using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Reads zips from files of their own.</summary>
internal static class ZipReading
{
    public static T Read<T>(byte[] zip, Func<SourceFile, ZipDirectory, T> use)
    {
        using var folder = new WorkFolder();
        var path = folder.At("zip.bin");
        File.WriteAllBytes(path, zip);
        using var source = SourceFile.Open(path);
        return use(source, ZipDirectory.Read(source));
    }

    /// <summary>Name, place, size, checksum and descriptor of each entry, in the order of the file, and its bytes.</summary>
    public static IReadOnlyList<(ZipEntry Entry, byte[] Bytes)> Entries(byte[] zip) => Read(
        zip,
        (source, directory) => directory.Entries.Select(entry => (entry, source.Read(entry.DataOffset, (int)entry.Size))).ToList());

    public static void AssertRefused(byte[] zip, FailureKind kind, string message)
    {
        var refused = Assert.Throws<MigrationException>(() => Read(zip, (_, directory) => directory.Entries.Count));
        Assert.Equal(message, refused.Message);
        Assert.Equal(kind, refused.Kind);
    }
}
