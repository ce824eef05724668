using System.IO.Hashing;
using BenchmarkDotNet.Attributes;

namespace QkvMigrate.Benchmarks;

/// <summary>CRC-32 of a slab: the library's beside a table for each byte.</summary>
[MemoryDiagnoser]
public class ChecksumBenchmark : IMeasured
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(value => Enumerable.Range(0, 8).Aggregate((uint)value, (crc, _) => (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320 : crc >> 1))];

    private readonly byte[] slab = new byte[4 << 20];

    public long ByteCount => slab.Length;

    [GlobalSetup]
    public void Setup() => new Random(1).NextBytes(slab);

    [Benchmark(Baseline = true)]
    public uint ByteByByte()
    {
        var crc = uint.MaxValue;
        foreach (var value in slab)
        {
            crc = Table[(crc ^ value) & 0xff] ^ (crc >> 8);
        }

        return ~crc;
    }

    [Benchmark]
    public uint SystemIoHashing() => Crc32.HashToUInt32(slab);
}
