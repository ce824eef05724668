using System.IO.Hashing;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Tests.Support;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Has zips in memory rewritten.</summary>
internal static class ZipRewriting
{
    /// <summary>The zip with other bytes for some entries.</summary>
    /// <param name="zip">The zip.</param>
    /// <param name="changes">The new bytes by the entries' names.</param>
    /// <param name="alignment">Bytes on whose multiples padded entries start.</param>
    /// <param name="counted">Whether the checksums become known only while the bytes are written.</param>
    public static byte[] Rewrite(byte[] zip, IReadOnlyDictionary<string, byte[]> changes, int alignment = 64, bool counted = false) => ZipReading.Read(zip, (_, directory) =>
    {
        var zipChanges = new ZipChanges();
        foreach (var (name, bytes) in changes)
        {
            zipChanges.Contents.Add(directory.ByName[name], new ZipContent(bytes.Length, counted ? null : Crc32.HashToUInt32(bytes), builder => builder.Literal(bytes)));
        }

        return NaiveLayout.Apply(ZipRewriter.Rewrite(directory, zipChanges, alignment));
    });
}
