using System.IO.Hashing;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>
/// Compares the bytes of regions with what the first file makes them: moved rows from their source, every other byte
/// from its own place. Reads in chunks of one size, whatever the size of the region. One thread's.
/// </summary>
internal sealed class RegionComparison
{
    /// <summary>Bytes of a chunk: large enough that a system call's cost vanishes, small enough to stay in the cache.</summary>
    internal const int ChunkBytes = 512 << 10;

    /// <summary>Regions up to this size are compared in full by a quick verification.</summary>
    internal const int SmallBytes = 64 << 10;

    /// <summary>Bytes that a quick verification compares at both ends of a large region.</summary>
    private const int EndBytes = 4 << 10;

    private readonly SourceFile original;
    private readonly SourceFile upgraded;
    private readonly TensorPlaces places;
    private readonly SourceWindow window;
    private readonly byte[] expected;
    private readonly byte[] found;
    private readonly Crc32 crc = new();

    /// <summary>Prepares to compare regions of two files.</summary>
    public RegionComparison(SourceFile original, SourceFile upgraded, TensorPlaces places, int chunkBytes = ChunkBytes)
    {
        this.original = original;
        this.upgraded = upgraded;
        this.places = places;
        window = new SourceWindow(original);
        expected = GC.AllocateUninitializedArray<byte>(chunkBytes);
        found = GC.AllocateUninitializedArray<byte>(chunkBytes);
    }

    /// <summary>Compares one region.</summary>
    /// <returns>The differences, bytes compared, and whether the CRC-32 was computed.</returns>
    /// <exception cref="MigrationException">The first file's bytes do not have its own checksum.</exception>
    public RegionResult Compare(RegionPair pair, VerificationMode mode, CancellationToken cancellation)
    {
        if (pair.Merged is { } merged)
        {
            return new MergedComparison(original, upgraded, merged, pair).Compare(mode, cancellation);
        }

        var log = new DifferenceLog();
        if (mode == VerificationMode.Full || pair.After.Length <= SmallBytes || !pair.ComparesBytes)
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
            log.Add(pair.Place, $"CRC-32 {pair.After.Crc:x8}, expected the first file's {pair.Before.Crc:x8}", pair.After.Offset);
        }

        return new RegionResult(log, compared, HasChecksum: false);
    }

    private RegionResult CompareAll(RegionPair pair, DifferenceLog log, CancellationToken cancellation)
    {
        crc.Reset();
        var skip = 0L;
        using var runs = pair.Runs().GetEnumerator();
        var image = new ExpectedImage(runs, pair, original, window);
        for (var at = 0L; at < pair.After.Length; at += found.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = (int)Math.Min(found.Length, pair.After.Length - at);
            upgraded.Read(pair.After.Offset + at, found.AsSpan(0, length));
            if (pair.After.Crc is not null)
            {
                crc.Append(found.AsSpan(0, length));
            }

            if (pair.ComparesBytes && log.Count < DifferenceLog.Kept)
            {
                image.Read(at, expected.AsSpan(0, length));
                Find(pair, at, expected.AsSpan(0, length), found.AsSpan(0, length), ref skip, log);
            }
        }

        if (pair.After.Crc is { } given && crc.GetCurrentHashAsUInt32() is var computed && computed != given)
        {
            if (log.Count == 0 && pair is { ComparesBytes: true, Moved.Count: 0, Before.Crc: { } stored } && stored != computed)
            {
                // The bytes are the same in both files: they were damaged before.
                throw ZipFailure.Damaged(original.Path, pair.Place, pair.Before.Offset, computed, stored);
            }

            log.Add(pair.Place, $"its headers give CRC-32 {given:x8}, its bytes have {computed:x8}", pair.After.Offset);
        }

        return new RegionResult(log, pair.After.Length, pair.After.Crc is not null);
    }

    /// <summary>The ends of the region, or some rows of each moved view.</summary>
    private static IEnumerable<MovedRun> Sample(RegionPair pair)
    {
        var last = pair.After.Length - EndBytes;
        return pair.Moved.Count > 0
            ? pair.SampledRuns()
            : [new MovedRun(0, 0, EndBytes), new MovedRun(last, last, EndBytes)];
    }

    private long CompareSample(RegionPair pair, MovedRun run, DifferenceLog log)
    {
        var skip = 0L;
        for (var done = 0L; done < run.Length && log.Count < DifferenceLog.Kept; done += found.Length)
        {
            var length = (int)Math.Min(found.Length, run.Length - done);
            original.Read(pair.Before.Offset + run.Source + done, expected.AsSpan(0, length));
            upgraded.Read(pair.After.Offset + run.Target + done, found.AsSpan(0, length));
            Find(pair, run.Target + done, expected.AsSpan(0, length), found.AsSpan(0, length), ref skip, log);
        }

        return run.Length;
    }

    /// <summary>Adds a difference for each row that has one; <paramref name="skip"/> is where the last one's row ends.</summary>
    private void Find(RegionPair pair, long start, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, ref long skip, DifferenceLog log)
    {
        if (expected.SequenceEqual(found))
        {
            return;
        }

        var at = (int)Math.Clamp(skip - start, 0, found.Length);
        while (log.Count < DifferenceLog.Kept && (at += expected[at..].CommonPrefixLength(found[at..])) < found.Length)
        {
            log.Add(places.Describe(pair, start + at, out skip));
            at = (int)Math.Min(skip - start, found.Length);
        }
    }
}
