using System.Numerics;

namespace QkvMigrate.Pickling;

/// <summary><c>None</c>.</summary>
internal sealed class PickleNone(int offset) : PickleNode(offset);

/// <summary><c>True</c> or <c>False</c>.</summary>
internal sealed class PickleBoolean(int offset, bool value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public bool Value { get; } = value;
}

/// <summary>An int that fits 64 bits.</summary>
internal sealed class PickleInteger(int offset, long value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public long Value { get; } = value;
}

/// <summary>An int that needs more than 64 bits: no size, stride or offset can be one.</summary>
internal sealed class PickleBigInteger(int offset, BigInteger value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public BigInteger Value { get; } = value;
}

/// <summary>A float.</summary>
internal sealed class PickleFloat(int offset, double value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public double Value { get; } = value;
}

/// <summary>Bytes or a bytearray: where its payload stands.</summary>
internal sealed class PickleBytes(int offset, int start, int length) : PickleNode(offset)
{
    /// <summary>The payload's first byte, from the start of the pickle.</summary>
    public int Start { get; } = start;

    /// <summary>Bytes of the payload.</summary>
    public int Length { get; } = length;
}
