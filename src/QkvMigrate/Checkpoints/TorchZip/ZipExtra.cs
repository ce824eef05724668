using System.Buffers;
using System.Buffers.Binary;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>One extra field of a zip header (APPNOTE.TXT 4.5): an id and its payload.</summary>
internal readonly record struct ZipExtra(ushort Id, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Bytes before the payload: the id and the payload's length.</summary>
    public const int HeadLength = 4;

    /// <summary>Writes the head of a field whose payload of <paramref name="length"/> bytes follows.</summary>
    public static void WriteHead(IBufferWriter<byte> target, ushort id, int length)
    {
        var head = target.GetSpan(HeadLength);
        BinaryPrimitives.WriteUInt16LittleEndian(head, id);
        BinaryPrimitives.WriteUInt16LittleEndian(head[2..], checked((ushort)length));
        target.Advance(HeadLength);
    }

    /// <summary>Writes the field.</summary>
    public void Write(IBufferWriter<byte> target)
    {
        WriteHead(target, Id, Payload.Length);
        target.Write(Payload.Span);
    }
}
