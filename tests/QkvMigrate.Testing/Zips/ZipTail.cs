
namespace QkvMigrate.Testing.Zips;

/// <summary>
/// The records behind the central directory. What is null has its right value; whatever else is set, says what a test
/// wants to be wrong or unusual.
/// </summary>
internal sealed record ZipTail
{
    /// <summary>Whether the zip64 end record and its locator are written, as PyTorch always does.</summary>
    public bool Zip64 { get; init; }

    /// <summary>Whether the classic end record leaves all numbers to the zip64 one, also where it need not.</summary>
    public bool Escaped { get; init; }

    /// <summary>Bytes between the last header of the directory and the end records.</summary>
    public byte[] Before { get; init; } = [];

    /// <summary>Bytes at the end of the zip64 end record: its extensible data sector.</summary>
    public byte[] Zip64Extension { get; init; } = [];

    /// <summary>The zip64 end record's length as its own field gives it, without the first 12 bytes.</summary>
    public long? Zip64Size { get; init; }

    public long? Zip64Offset { get; init; }

    public uint Zip64Signature { get; init; } = 0x06064b50;

    public ushort Disk { get; init; }

    public long? Count { get; init; }

    public long? DirectorySize { get; init; }

    public long? DirectoryOffset { get; init; }

    public string Comment { get; init; } = "";

    /// <summary>The length that the end record gives its comment.</summary>
    public ushort? CommentLength { get; init; }
}
