using System.Buffers.Binary;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// Several zips in one file, one behind the other, each with offsets of its own: what <c>torch.distributed.checkpoint</c>
/// writes (torch/distributed/checkpoint/filesystem.py). Who looks for a zip's directory from the end finds the last one's alone.
/// </summary>
internal static class ZipSequence
{
    /// <summary>Whether the zip that ends the file starts behind the end of another one.</summary>
    public static bool Matches(SourceFile source)
    {
        var at = source.Length - ZipFormat.EndLength;
        if (at <= 0 || !TorchZipCheckpoint.Matches(source))
        {
            return false;
        }

        var end = source.Read(at, ZipFormat.EndLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != ZipFormat.EndSignature)
        {
            return false;
        }

        var size = (long)BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(ZipFormat.EndDirectorySize));
        var offset = (long)BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(ZipFormat.EndDirectoryOffset));
        if (Zip64(source, at) is { } record)
        {
            at = record.Offset;
            size = BinaryPrimitives.ReadInt64LittleEndian(record.Bytes.AsSpan(ZipFormat.Zip64EndDirectorySize));
            offset = BinaryPrimitives.ReadInt64LittleEndian(record.Bytes.AsSpan(ZipFormat.Zip64EndDirectoryOffset));
        }

        // Each is held against the place before it is taken away, so that nothing overflows.
        if (size < 0 || offset < 0 || size > at || offset > at - size)
        {
            return false;
        }

        var start = at - size - offset;
        return start >= ZipFormat.EndLength
            && Signature(source, start) == ZipFormat.LocalHeaderSignature
            && Signature(source, start - ZipFormat.EndLength) == ZipFormat.EndSignature;
    }

    /// <summary>The zip64 end record, which stands right before its locator; what the locator says counts from the start of its own zip.</summary>
    private static (long Offset, byte[] Bytes)? Zip64(SourceFile source, long end)
    {
        var locator = end - ZipFormat.Zip64LocatorLength;
        var offset = locator - ZipFormat.Zip64EndLength;
        return offset > 0 && Signature(source, locator) == ZipFormat.Zip64LocatorSignature && Signature(source, offset) == ZipFormat.Zip64EndSignature
            ? (offset, source.Read(offset, ZipFormat.Zip64EndLength))
            : null;
    }

    private static uint Signature(SourceFile source, long offset) => BinaryPrimitives.ReadUInt32LittleEndian(source.Read(offset, sizeof(uint)));
}
