using System.Buffers;
using System.Security.Cryptography;

namespace QkvMigrate.Files;

/// <summary>SHA-256 of files, as 64 hexadecimal digits in lower case, the way <c>sha256sum</c> writes them.</summary>
internal static class FileDigest
{
    private const int BufferBytes = 1 << 20;

    /// <summary>The digest of a whole file. Memory does not depend on its size.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static string Whole(string path, CancellationToken cancellation)
    {
        using var file = SourceFile.Open(path);
        return Whole(file, cancellation);
    }

    /// <summary>As above, for a file that is open, or is not on the disk.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static string Whole(SourceFile file, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, file, 0, file.Length, cancellation);
        return Text(hash);
    }

    /// <summary>
    /// The digest of the first and the last MiB. Where a checkpoint's format keeps its directory, it is in there: a zip's
    /// central directory at the end, with the CRC-32 of each tensor; the header of safetensors and of old pickles at the start.
    /// </summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static string Ends(string path, CancellationToken cancellation)
    {
        using var file = SourceFile.Open(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var first = Math.Min(file.Length, BufferBytes);
        Append(hash, file, 0, first, cancellation);
        var last = Math.Min(file.Length - first, BufferBytes);
        Append(hash, file, file.Length - last, last, cancellation);
        return Text(hash);
    }

    /// <summary>The digest of <paramref name="bytes"/>.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Whether <paramref name="text"/> is a digest as this class writes them.</summary>
    public static bool IsOne(string? text) => text is { Length: 2 * SHA256.HashSizeInBytes } && text.All(char.IsAsciiHexDigitLower);

    private static void Append(IncrementalHash hash, SourceFile file, long offset, long length, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, BufferBytes));
        try
        {
            for (var done = 0L; done < length;)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, (int)Math.Min(length - done, BufferBytes));
                file.Read(offset + done, part);
                hash.AppendData(part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string Text(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
