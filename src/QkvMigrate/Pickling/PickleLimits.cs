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

    /// <summary>Values that a pickle may make.</summary>
    public const int Values = 1 << 24;

    /// <summary>Bytes of one line argument (protocol 0 writes strings and numbers as lines).</summary>
    public const int Line = 1 << 20;

    /// <summary>Bytes of an integer: PyTorch writes none above 8, NumPy's random state has one of 2,500 bytes in parts of 4.</summary>
    public const int IntegerBytes = 1 << 12;
}
