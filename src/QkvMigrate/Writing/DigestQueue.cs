using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using QkvMigrate.FilePlans;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// Bytes on their way to SHA-256: who makes them fills buffers, and the thread that asked for the digest hashes the full ones. There are a few
/// buffers, so that memory does not depend on how many bytes come.
/// </summary>
internal sealed class DigestQueue : IDisposable
{
    /// <summary>One is filled, one is hashed, and two keep either from waiting for the other.</summary>
    private const int BufferCount = 4;

    private readonly NativeBuffer[] buffers;
    private readonly BlockingCollection<NativeBuffer> empty = [];
    private readonly BlockingCollection<(NativeBuffer Buffer, int Length)> full = [];
    private readonly List<ChecksumPatch> patches = [];
    private readonly CancellationTokenSource ended = new();
    private NativeBuffer? current;
    private int filled;
    private long start;
    private PlanChecksums? checksums;

    private DigestQueue(int bufferBytes)
    {
        buffers = [.. Enumerable.Range(0, BufferCount).Select(_ => new NativeBuffer(bufferBytes))];
        Array.ForEach(buffers, empty.Add);
    }

    /// <summary>The digest, 64 hexadecimal digits in lower case, of what <paramref name="make"/> appends on a thread of its own.</summary>
    public static string Run(int bufferBytes, Action<DigestQueue> make)
    {
        using var queue = new DigestQueue(bufferBytes);
        ExceptionDispatchInfo? failure = null;
        var maker = new Thread(Make) { IsBackground = true };
        maker.Start();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            foreach (var (buffer, length) in queue.full.GetConsumingEnumerable())
            {
                hash.AppendData(buffer.GetSpan()[..length]);
                queue.empty.Add(buffer);
            }
        }
        finally
        {
            queue.ended.Cancel();
            maker.Join();
        }

        failure?.Throw();
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Make()
        {
            try
            {
                make(queue);
                queue.HandOver();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }
            finally
            {
                queue.full.CompleteAdding();
            }
        }
    }

    /// <summary>Appends bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            current ??= empty.Take(ended.Token);
            var room = current.GetSpan()[filled..];
            var count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            filled += count;
            bytes = bytes[count..];
            if (count == room.Length)
            {
                HandOver();
            }
        }
    }

    /// <summary>Has a checksum put over bytes that are appended from here on; all that go into it were seen.</summary>
    public void Patch(ChecksumPatch patch, PlanChecksums from)
    {
        patches.Add(patch);
        checksums = from;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in buffers)
        {
            ((IDisposable)buffer).Dispose();
        }

        empty.Dispose();
        full.Dispose();
        ended.Dispose();
    }

    private void HandOver()
    {
        if (current is null)
        {
            return;
        }

        foreach (var patch in patches)
        {
            checksums!.Patch(patch, current.GetSpan()[..filled], start);
        }

        start += filled;
        patches.RemoveAll(patch => patch.Target + sizeof(uint) <= start);
        full.Add((current, filled));
        (current, filled) = (null, 0);
    }
}
