using System.IO.Hashing;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>
/// Compares the bytes of entries with what the first file makes them: moved rows from their source, every other byte
/// from its own place. Reads in chunks of one size, whatever the size of the entry. One thread's.
/// </summary>
internal sealed class EntryComparison
{
    /// <summary>Bytes of a chunk: large enough that a system call's cost vanishes, small enough to stay in the cache.</summary>
    internal const int ChunkBytes = 512 << 10;

    /// <summary>Entries up to this size are compared in full by a quick verification.</summary>
    internal const int SmallBytes = 64 << 10;

    /// <summary>Bytes that a quick verification compares at both ends of a large entry.</summary>
    private const int EndBytes = 4 << 10;

    private readonly SourceFile original;
    private readonly SourceFile upgraded;
    private readonly TensorPlaces places;
    private readonly SourceWindow window;
    private readonly byte[] expected;
    private readonly byte[] found;

    /// <summary>Prepares to compare entries of two files.</summary>
    public EntryComparison(SourceFile original, SourceFile upgraded, TensorPlaces places, int chunkBytes = ChunkBytes)
    {
        this.original = original;
        this.upgraded = upgraded;
        this.places = places;
        window = new SourceWindow(original);
        expected = GC.AllocateUninitializedArray<byte>(chunkBytes);
        found = GC.AllocateUninitializedArray<byte>(chunkBytes);
    }

    /// <summary>Compares one entry.</summary>
    /// <returns>The differences, bytes compared, and whether the CRC-32 was computed.</returns>
    public EntryResult Compare(EntryPair pair, VerificationMode mode, CancellationToken cancellation)
    {
        var log = new DifferenceLog();
        if (mode == VerificationMode.Full || pair.After.Size <= SmallBytes)
        {
            return CompareAll(pair, log, cancellation);
        }

        var compared = 0L;
        foreach (var run in Sample(pair))
        {
            cancellation.ThrowIfCancellationRequested();
            compared += CompareSample(pair, run, log);
        }

        if (pair.Moved.Count == 0 && pair.Before.Crc != pair.After.Crc)
        {
            log.Add(ZipComparison.Place(pair.After), $"CRC-32 {pair.After.Crc:x8}, expected the first file's {pair.Before.Crc:x8}", pair.After.HeaderOffset);
        }

        return new EntryResult(log, compared, HasChecksum: false);
    }

    private EntryResult CompareAll(EntryPair pair, DifferenceLog log, CancellationToken cancellation)
    {
        var crc = new Crc32();
        var skip = 0L;
        using var runs = pair.Moved.SelectMany(view => view.Runs()).GetEnumerator();
        var image = new ExpectedImage(runs, pair, original, window);
        for (var at = 0L; at < pair.After.Size; at += found.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = (int)Math.Min(found.Length, pair.After.Size - at);
            upgraded.Read(pair.After.DataOffset + at, found.AsSpan(0, length));
            crc.Append(found.AsSpan(0, length));
            if (pair.ComparesBytes && log.Count < DifferenceLog.Kept)
            {
                image.Read(at, expected.AsSpan(0, length));
                Find(pair, at, expected.AsSpan(0, length), found.AsSpan(0, length), ref skip, log);
            }
        }

        if (crc.GetCurrentHashAsUInt32() is var computed && computed != pair.After.Crc)
        {
            log.Add(ZipComparison.Place(pair.After), $"its headers give CRC-32 {pair.After.Crc:x8}, its bytes have {computed:x8}", pair.After.DataOffset);
        }

        return new EntryResult(log, pair.After.Size, HasChecksum: true);
    }

    /// <summary>The ends of the entry, and some rows of each moved view.</summary>
    private static IEnumerable<MovedRun> Sample(EntryPair pair)
    {
        var last = pair.After.Size - EndBytes;
        return pair.Moved.Count > 0
            ? pair.Moved.SelectMany(view => view.SampledRuns())
            : [new MovedRun(0, 0, EndBytes), new MovedRun(last, last, EndBytes)];
    }

    private long CompareSample(EntryPair pair, MovedRun run, DifferenceLog log)
    {
        var skip = 0L;
        for (var done = 0L; done < run.Length && log.Count < DifferenceLog.Kept; done += found.Length)
        {
            var length = (int)Math.Min(found.Length, run.Length - done);
            original.Read(pair.Before.DataOffset + run.Source + done, expected.AsSpan(0, length));
            upgraded.Read(pair.After.DataOffset + run.Target + done, found.AsSpan(0, length));
            Find(pair, run.Target + done, expected.AsSpan(0, length), found.AsSpan(0, length), ref skip, log);
        }

        return run.Length;
    }

    /// <summary>Adds a difference for each row that has one; <paramref name="skip"/> is where the last one's row ends.</summary>
    private void Find(EntryPair pair, long start, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, ref long skip, DifferenceLog log)
    {
        if (expected.SequenceEqual(found))
        {
            return;
        }

        var at = (int)Math.Clamp(skip - start, 0, found.Length);
        while (log.Count < DifferenceLog.Kept && (at += expected[at..].CommonPrefixLength(found[at..])) < found.Length)
        {
            log.Add(places.Describe(pair.After, pair.StorageKey, start + at, out skip));
            at = (int)Math.Min(skip - start, found.Length);
        }
    }
}

/// <summary>An entry of both files.</summary>
/// <param name="Before">The first file's.</param>
/// <param name="After">The second file's.</param>
/// <param name="StorageKey">The storage that it holds, or its name where it holds none.</param>
/// <param name="Moved">The views in it whose rows move, in the order of their bytes.</param>
/// <param name="ComparesBytes">False for the pickle, which is compared opcode by opcode instead.</param>
internal sealed record EntryPair(ZipEntry Before, ZipEntry After, string StorageKey, IReadOnlyList<MovedView> Moved, bool ComparesBytes);

/// <summary>What came of one entry.</summary>
/// <param name="Log">The differences; at most <see cref="DifferenceLog.Kept"/> rows and a checksum.</param>
/// <param name="ComparedBytes">Bytes of the second file that were compared.</param>
/// <param name="HasChecksum">Whether the CRC-32 was computed.</param>
internal readonly record struct EntryResult(DifferenceLog Log, long ComparedBytes, bool HasChecksum);
