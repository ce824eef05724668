using System.Buffers.Binary;
using System.IO.Hashing;

namespace QkvMigrate.Writing.InPlace;

/// <summary>What a record of a journal says.</summary>
internal enum JournalEvent
{
    /// <summary>The bytes of a step, as they were, are in the slot of the record: the step may have been made from here on.</summary>
    Forward = 1,

    /// <summary>All steps are made: what is written at the end may have been written from here on.</summary>
    Ending = 2,

    /// <summary>The way back has begun: the steps from the one that is named on are taken back, and so is what is written at the end.</summary>
    Turn = 3,

    /// <summary>As <see cref="Forward"/>, for a step that is taken back.</summary>
    Back = 4,

    /// <summary>The file is whole, and may get its name.</summary>
    Finished = 5,
}

/// <summary>A record of a journal. What it says is on the disk, before what it allows is done.</summary>
/// <param name="Number">Its number, from 0 on.</param>
/// <param name="Event">What it says.</param>
/// <param name="Step">The step.</param>
/// <param name="Hash">XXH128 of the step's bytes in the slot; zeros where the record has none.</param>
internal readonly record struct JournalRecord(int Number, JournalEvent Event, int Step, UInt128 Hash)
{
    /// <summary>Bytes of a record, with the hash that ends it.</summary>
    public const int Bytes = 64;

    private const int HashAt = Bytes - 16;

    /// <summary>Whether the journal has a slot with bytes for it.</summary>
    public bool HasSlot => Event is JournalEvent.Forward or JournalEvent.Back;

    /// <summary>The record as bytes.</summary>
    /// <param name="journal">A hash of the journal's header: a record of another journal is none of this one.</param>
    public byte[] ToBytes(UInt128 journal)
    {
        var bytes = new byte[Bytes];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, journal);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), Number);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), (int)Event);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), Step);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(32), Hash);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(HashAt), XxHash128.HashToUInt128(bytes.AsSpan(0, HashAt)));
        return bytes;
    }

    /// <summary>Reads a record; null where the bytes are none of this journal.</summary>
    public static JournalRecord? Read(ReadOnlySpan<byte> bytes, UInt128 journal, int number)
    {
        var record = new JournalRecord(
            number,
            (JournalEvent)BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadUInt128LittleEndian(bytes[32..]));
        return record.ToBytes(journal).AsSpan().SequenceEqual(bytes) && Enum.IsDefined(record.Event) ? record : null;
    }
}
