namespace QkvMigrate.Testing.Fuzzing;

/// <summary>Makes hostile inputs out of good ones. The same seed gives the same inputs.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> tokens)
{
    private const int MaximumRounds = 4;

    /// <summary>The numbers at which parsers go wrong: nothing, all ones, signs, and what a 32-bit field can just not hold.</summary>
    private static readonly ulong[] Numbers =
        [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, ulong.MaxValue];

    /// <summary>One of the seeds with one change or several.</summary>
    public byte[] Next()
    {
        var bytes = seeds[random.Next(seeds.Count)];
        for (var round = random.Next(MaximumRounds); round >= 0; round--)
        {
            bytes = Change(bytes);
        }

        return bytes;
    }

    private byte[] Change(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return [(byte)random.Next(256)];
        }

        var at = Position(bytes.Length);
        switch (random.Next(8))
        {
            case 0:
                return Patched(bytes, at, [(byte)(bytes[at] ^ (1 << random.Next(8)))]);
            case 1:
                return Patched(bytes, at, [(byte)random.Next(256)]);
            case 2:
                return bytes[..at];
            case 3:
                var width = 1 << random.Next(4);
                return Patched(bytes, at, BitConverter.GetBytes(Numbers[random.Next(Numbers.Length)]).AsSpan(0, width));
            case 4:
                return Patched(bytes, at, Token());
            case 5:
                return [.. bytes.AsSpan(0, at), .. Token(), .. bytes.AsSpan(at)];
            case 6:
                // Cut out, or repeat, a piece of it.
                var end = Math.Min(bytes.Length, at + 1 + random.Next(64));
                return random.Next(2) == 0 ? [.. bytes.AsSpan(0, at), .. bytes.AsSpan(end)] : [.. bytes.AsSpan(0, end), .. bytes.AsSpan(at)];
            default:
                // The head of one and the tail of another.
                var other = seeds[random.Next(seeds.Count)];
                return [.. bytes.AsSpan(0, at), .. other.AsSpan(Position(other.Length))];
        }
    }

    private byte[] Token() => tokens[random.Next(tokens.Count)];

    /// <summary>A place, in half of the cases near an end, where headers and directories are.</summary>
    private int Position(int length) => random.Next(4) switch
    {
        0 => random.Next(Math.Min(length, 256)),
        1 => length - 1 - random.Next(Math.Min(length, 1024)),
        _ => random.Next(length),
    };

    private static byte[] Patched(byte[] bytes, int at, ReadOnlySpan<byte> patch)
    {
        var changed = (byte[])bytes.Clone();
        patch[..Math.Min(patch.Length, changed.Length - at)].CopyTo(changed.AsSpan(at));
        return changed;
    }
}
