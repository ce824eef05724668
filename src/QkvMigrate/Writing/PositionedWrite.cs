using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>Writes bytes at their place in an open file.</summary>
internal static class PositionedWrite
{
    /// <summary>
    /// Bytes of one write. A filesystem with large folios (ext4 since Linux 6.16, XFS) takes memory for its page cache in
    /// pieces as large as a write; a virtual machine has given such pieces back to its host, and to get 2 GB of them anew
    /// was measured to take four times as long as the whole write does in pieces of this size.
    /// </summary>
    private const int WriteBytes = 64 << 10;

    /// <summary>Writes all of <paramref name="bytes"/> at <paramref name="offset"/>.</summary>
    /// <exception cref="IOException">The system cannot.</exception>
    public static void All(SafeFileHandle target, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            for (var done = 0; done < bytes.Length; done += WriteBytes)
            {
                RandomAccess.Write(target, bytes.Slice(done, Math.Min(WriteBytes, bytes.Length - done)), offset + done);
            }
        }
        catch (ArgumentOutOfRangeException error)
        {
            // .NET's way to say EFBIG, which an argument of this call cannot cause: the length of the file was checked.
            throw new DiskException(DiskProblem.FileTooLarge, error.Message);
        }
    }
}
