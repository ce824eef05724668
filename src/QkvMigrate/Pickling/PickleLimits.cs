namespace QkvMigrate.Pickling;

/// <summary>
/// What a pickle may cost before it is refused. PyTorch's picklers batch at 1,000 items and memoize what they write
/// once, so real checkpoints stay far below each of these numbers.
/// </summary>
internal static class PickleLimits
{
    /// <summary>Bytes of one pickle: a checkpoint of a million tensors has about 300 MB of it.</summary>
    public const int Bytes = 512 << 20;

    /// <summary>Values on the stack at one time.</summary>
    public const int Stack = 1 << 20;

    /// <summary>Marks that are open at one time, which bounds how deep literals nest.</summary>
    public const int Marks = 10_000;

    /// <summary>Values that a pickle may push, fetched ones too: it bounds the time, as <see cref="Memory"/> bounds the memory.</summary>
    public const int Values = 1 << 26;

    /// <summary>Values that a walk along every path from the root meets: nested sharing multiplies them.</summary>
    public const long Weight = 1L << 30;

    /// <summary>Characters of the way to a value, and of a key on it: state dicts have a few dozen.</summary>
    public const int Path = 1 << 12;

    /// <summary>Containers within containers: state dicts have less than ten.</summary>
    public const int Depth = 1_000;

    /// <summary>The same while the pickle is read, where what is around a tensor counts and what is around a path does not.</summary>
    public const int Nesting = 2 * Depth;

    /// <summary>
    /// Bytes of memory that may be made of a pickle of <paramref name="length"/> bytes. One byte of a hostile pickle can
    /// make a value of dozens; in what PyTorch writes, a tensor takes 100 to 300 bytes of pickle and 1,800 of memory. Most of
    /// that is granted for each of the <paramref name="storages"/> that the file is known to have: nothing forges those
    /// without the bytes of their headers.
    /// </summary>
    public static long Memory(int length, int storages) => (45L << 20) + (7L * length) + (900L * storages);

    /// <summary>Bytes of one line argument (protocol 0 writes strings and numbers as lines).</summary>
    public const int Line = 1 << 20;

    /// <summary>Bytes of an integer: PyTorch writes none above 8, NumPy's random state has one of 2,500 bytes in parts of 4.</summary>
    public const int IntegerBytes = 1 << 12;
}
