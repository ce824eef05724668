using System.IO.Hashing;

namespace QkvMigrate.Writing;

/// <summary>
/// The CRC-32 of bytes that are seen in parts, in any order and by several threads. A CRC is the remainder of a polynomial
/// over GF(2): that of a part with <c>n</c> bytes behind it counts as its own times <c>x^(8n)</c>, and the whole's is the
/// sum (as zlib's <c>crc32_combine</c> does for two parts).
/// </summary>
internal sealed class PartedChecksum
{
    /// <summary>The polynomial of zip (APPNOTE.TXT 4.4.7), bits reversed: the highest bit is the coefficient of <c>x^0</c>.</summary>
    private const uint Polynomial = 0xEDB88320;

    private const uint One = 1u << 31;

    /// <summary><c>x^(8·2^k)</c> for each bit <c>k</c> of a length.</summary>
    private static readonly uint[] Powers = MakePowers();

    private uint sum;

    /// <summary>The CRC-32 of all parts, once each byte of the whole was in one of them.</summary>
    public uint Value => sum;

    /// <summary>Adds a part.</summary>
    /// <param name="part">Its bytes.</param>
    /// <param name="behind">How many bytes of the whole stand behind it.</param>
    public void Add(ReadOnlySpan<byte> part, long behind) => Add(Crc32.HashToUInt32(part), behind);

    /// <summary>As above, for a part whose CRC-32 is known.</summary>
    public void Add(uint crc, long behind)
    {
        var shifted = Shift(crc, behind);
        uint seen;
        do
        {
            seen = sum;
        }
        while (Interlocked.CompareExchange(ref sum, seen ^ shifted, seen) != seen);
    }

    private static uint Shift(uint crc, long bytes)
    {
        for (var bit = 0; bytes != 0; bit++, bytes >>= 1)
        {
            if ((bytes & 1) != 0)
            {
                crc = Multiply(Powers[bit], crc);
            }
        }

        return crc;
    }

    private static uint[] MakePowers()
    {
        var powers = new uint[63];
        powers[0] = One >> 8;
        for (var i = 1; i < powers.Length; i++)
        {
            powers[i] = Multiply(powers[i - 1], powers[i - 1]);
        }

        return powers;
    }

    /// <summary>The product of two polynomials, modulo <see cref="Polynomial"/>.</summary>
    private static uint Multiply(uint left, uint right)
    {
        var product = 0u;
        for (var coefficient = One; coefficient != 0; coefficient >>= 1)
        {
            if ((left & coefficient) != 0)
            {
                product ^= right;
            }

            right = (right & 1) != 0 ? (right >> 1) ^ Polynomial : right >> 1;
        }

        return product;
    }
}
