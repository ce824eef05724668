using System.Security.Cryptography;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>A file's bytes, with their digest.</summary>
internal sealed class FileContent(byte[] bytes)
{
    private string? digest;

    public static FileContent Empty { get; } = new([]);

    public byte[] Bytes => bytes;

    /// <summary>SHA-256, in lower case.</summary>
    public string Digest => digest ??= Convert.ToHexStringLower(SHA256.HashData(bytes));
}
