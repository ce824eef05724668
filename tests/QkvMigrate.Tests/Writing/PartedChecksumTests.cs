using System.IO.Hashing;
using CsCheck;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>A checksum of parts is that of the whole, judged by System.IO.Hashing.</summary>
public sealed class PartedChecksumTests
{
    [Fact]
    public void Parts_in_any_order_have_the_checksum_of_the_whole()
    {
        var parts = Gen.Byte.Array[0, 40].Array[0, 12];
        (from whole in parts
         from order in Gen.Shuffle(Enumerable.Range(0, whole.Length).ToArray())
         select (whole, order)).Sample(sample =>
         {
             byte[] bytes = [.. sample.whole.SelectMany(part => part)];
             var sum = new PartedChecksum();
             foreach (var i in sample.order)
             {
                 sum.Add(sample.whole[i], sample.whole.Skip(i + 1).Sum(part => part.Length));
             }

             Assert.Equal(Crc32.HashToUInt32(bytes), sum.Value);
         });
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Bytes_far_behind_a_part_count()
    {
        // 5 GiB and 7 zeros, summed up in order by the library.
        const long zeros = (5L << 30) + 7;
        var expected = new Crc32();
        expected.Append([1, 2, 3]);
        var block = new byte[1 << 24];
        for (var left = zeros; left > 0; left -= block.Length)
        {
            expected.Append(block.AsSpan(0, (int)Math.Min(block.Length, left)));
        }

        var zeroSum = new Crc32();
        for (var left = zeros; left > 0; left -= block.Length)
        {
            zeroSum.Append(block.AsSpan(0, (int)Math.Min(block.Length, left)));
        }

        var sum = new PartedChecksum();
        sum.Add(zeroSum.GetCurrentHashAsUInt32(), 0);
        sum.Add([1, 2, 3], zeros);
        Assert.Equal(expected.GetCurrentHashAsUInt32(), sum.Value);
    }

    [Fact]
    public void No_bytes_have_none() => Assert.Equal(Crc32.HashToUInt32([]), new PartedChecksum().Value);
}
