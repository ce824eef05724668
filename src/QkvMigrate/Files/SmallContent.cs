using System.Buffers;

namespace QkvMigrate.Files;

/// <summary>
/// The content of a small file, read once: whoever reads such a file asks for it in hundreds of pieces, and each would be a call to
/// the system. All contents together have a bound; beyond it a file is read piece by piece, as a large one is.
/// </summary>
/// <param name="length">Bytes of the file.</param>
/// <param name="read">Reads the file from its start into a buffer, and says whether all of it was there.</param>
internal sealed class SmallContent(long length, Func<byte[], int, bool> read) : IDisposable
{
    private const int MostBytes = 256 << 10;
    private const long MostBytesOfAll = 16 << 20;

    private static long held;

    private readonly Lock gate = new();
    private byte[]? bytes;
    private bool isOut = !IsSmall(length);

    /// <summary>Whether a file of so many bytes counts as small.</summary>
    public static bool IsSmall(long length) => length is > 0 and <= MostBytes;

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> on; false where the file has to be read for that.</summary>
    public bool TryRead(long offset, Span<byte> buffer)
    {
        // Who reads all at once gains nothing.
        if (isOut || buffer.Length >= length || offset < 0 || offset > length - buffer.Length)
        {
            return false;
        }

        lock (gate)
        {
            if (bytes is null && !isOut)
            {
                Fill();
            }

            bytes?.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
            return bytes is not null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            Drop();
        }
    }

    /// <summary>What cannot be read as a whole is read in its pieces, of which one tells what is wrong and where.</summary>
    private void Fill()
    {
        bytes = Interlocked.Add(ref held, length) <= MostBytesOfAll ? ArrayPool<byte>.Shared.Rent((int)length) : [];
        if (bytes.Length == 0 || !read(bytes, (int)length))
        {
            Drop();
        }
    }

    private void Drop()
    {
        isOut = true;
        if (bytes is null)
        {
            return;
        }

        Interlocked.Add(ref held, -length);
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        bytes = null;
    }
}
