using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Files;

/// <summary>A file that is only read, by position. Its length is the one it had when it was opened.</summary>
public sealed class SourceFile : IDisposable
{
    /// <summary>Up to this size a file costs no more to read whole than its start does.</summary>
    private const int MostBytesOfLook = 4 << 10;

    private readonly SafeFileHandle? opened;
    private readonly FileIdentity? identity;
    private readonly SmallContent? content;
    private readonly Action<long, Span<byte>>? imagine;

    private SourceFile(string path, SafeFileHandle handle, FileIdentity identity, bool isLook)
    {
        Path = path;
        opened = handle;
        Length = identity.Size;
        this.identity = identity;
        content = isLook && Length > MostBytesOfLook ? null : new SmallContent(Length, (bytes, count) => TryReadWhole(bytes.AsSpan(0, count)));
    }

    private SourceFile(string path, long length, Action<long, Span<byte>> imagine)
    {
        Path = path;
        Length = length;
        this.imagine = imagine;
    }

    /// <summary>The path as the user gave it.</summary>
    public string Path { get; }

    /// <summary>The open file.</summary>
    /// <exception cref="InvalidOperationException">It is not on the disk.</exception>
    public SafeFileHandle Handle => opened ?? throw new InvalidOperationException($"{Path} is not on the disk");

    /// <summary>Bytes of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>Whether it is read once, as long as there is room for small files, and its pieces are at hand then.</summary>
    internal bool IsSmall => content is not null && SmallContent.IsSmall(Length);

    /// <summary>Opens <paramref name="path"/> for reading.</summary>
    /// <exception cref="MigrationException">The file is not there, is no regular file, or may not be read.</exception>
    public static SourceFile Open(string path) => TryOpen(path, isLook: false)!;

    /// <summary>Opens a file of which the start alone is read, to tell what it is; null where something else than a regular file stands there.</summary>
    /// <exception cref="MigrationException">The file is not there, or may not be read.</exception>
    internal static SourceFile? OpenToLook(string path) => TryOpen(path, isLook: true);

    /// <summary>A file that is not on the disk.</summary>
    /// <param name="path">What failures call it.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="read">Fills a buffer with its bytes from a place in it on; it is asked for none behind the end.</param>
    internal static SourceFile Imagined(string path, long length, Action<long, Span<byte>> read) => new(path, length, read);

    /// <summary>Reads a small file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maximum">The most bytes that it may have.</param>
    /// <param name="kind">What it is to be, as the failure names it: "a configuration".</param>
    /// <exception cref="MigrationException">As <see cref="Open"/>, or it is larger.</exception>
    public static byte[] ReadAll(string path, int maximum, string kind)
    {
        using var file = Open(path);
        return file.Length <= maximum
            ? file.Read(0, (int)file.Length)
            : throw new MigrationException(FailureKind.Malformed, $"{file.Length} bytes are more than the {maximum} that {kind} may have", path);
    }

    /// <summary>As <see cref="ReadAll"/>; null where there is no such file.</summary>
    /// <exception cref="MigrationException">The file is there and cannot be read, or is larger.</exception>
    internal static byte[]? ReadAllIfThere(string path, int maximum, string kind)
    {
        if (HostSystem.Current.IsMissing(path))
        {
            return null;
        }

        try
        {
            return ReadAll(path, maximum, kind);
        }
        catch (MigrationException error) when (error.InnerException is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether a file's content is <paramref name="bytes"/>; one of another length is not read.</summary>
    /// <exception cref="MigrationException">As <see cref="Open"/>.</exception>
    internal static bool Holds(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = Open(path);
        return file.Length == bytes.Length && file.Read(0, bytes.Length).AsSpan().SequenceEqual(bytes);
    }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> on.</summary>
    /// <exception cref="MigrationException">The file ends before the buffer is full, or cannot be read.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (imagine is not null)
        {
            var there = (int)Math.Clamp(Length - offset, 0, buffer.Length);
            imagine(offset, buffer[..there]);
            if (there < buffer.Length)
            {
                throw TooShort(offset + there, buffer.Length - there);
            }

            return;
        }

        if (content?.TryRead(offset, buffer) == true)
        {
            return;
        }

        try
        {
            var done = ReadAvailable(offset, buffer);
            if (done < buffer.Length)
            {
                throw TooShort(offset + done, buffer.Length - done);
            }
        }
        catch (IOException error)
        {
            throw new MigrationException(FailureKind.Io, error.Message, Path, offset: offset, inner: error);
        }
    }

    /// <summary>Reads <paramref name="length"/> bytes from <paramref name="offset"/> on, where the file has them.</summary>
    /// <exception cref="MigrationException">As <see cref="Read(long, Span{byte})"/>.</exception>
    public byte[] Read(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new MigrationException(FailureKind.Malformed, $"{length} bytes are expected here, the file has {Length} in all", Path, offset: offset);
        }

        var bytes = GC.AllocateUninitializedArray<byte>(length);
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>Makes sure that what was read is the file as it was opened, and that it still is what its name stands for.</summary>
    /// <exception cref="MigrationException">Something was done to the file in between.</exception>
    public void CheckUnchanged()
    {
        if (Change() is { } problem)
        {
            throw new MigrationException(FailureKind.Io, $"{problem}; the result was thrown away", Path);
        }
    }

    private static SourceFile? TryOpen(string path, bool isLook)
    {
        try
        {
            // Before it is opened, because to open a FIFO is to wait for a writer, and some devices act; and after, for
            // what was put in its place meanwhile.
            var before = FileIdentity.Of(path);
            if (isLook && before is { Special: not null })
            {
                return null;
            }

            Expect(before, path);
            var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            try
            {
                var found = FileIdentity.Of(handle);
                Expect(found, path);
                return new SourceFile(path, handle, found, isLook);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        catch (FileNotFoundException) when (InPlacePair.Of(path) is { IsAway: true } away)
        {
            throw away.NotThere();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw IoFailure.OfReading(error, path);
        }
    }

    private bool TryReadWhole(Span<byte> buffer)
    {
        try
        {
            return ReadAvailable(0, buffer) == buffer.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Reads until the buffer is full or the file ends, and returns how many bytes there were.</summary>
    private int ReadAvailable(long offset, Span<byte> buffer)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = RandomAccess.Read(Handle, buffer[done..], offset + done);
            if (count == 0)
            {
                return done;
            }

            done += count;
        }

        return buffer.Length;
    }

    private MigrationException TooShort(long offset, long missing) =>
        new(FailureKind.Malformed, $"the file ends here, {missing} more bytes were expected", Path, offset: offset);

    /// <summary>What was done to the file since it was opened, or null.</summary>
    private string? Change()
    {
        if (identity is not { } first)
        {
            return null;
        }

        if (FileIdentity.Of(Path) is not { } named)
        {
            return "the file was removed while it was read";
        }

        if (!named.IsSameFile(first))
        {
            return "another file was put in its place while it was read";
        }

        var now = FileIdentity.Of(Handle);
        return now.IsUnchanged(first) ? null : $"the file was changed while it was read ({first.Size} bytes before, {now.Size} after)";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        content?.Dispose();
        opened?.Dispose();
    }

    /// <summary>What is not there is left to the system to tell.</summary>
    private static void Expect(FileIdentity? identity, string path)
    {
        if (identity?.Special is { } special)
        {
            throw new MigrationException(FailureKind.Io, $"this is no regular file but {special}", path);
        }
    }
}
