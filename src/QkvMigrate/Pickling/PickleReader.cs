using System.Buffers.Binary;

namespace QkvMigrate.Pickling;

/// <summary>
/// Cuts a pickle into instructions, checking every length against the bytes that are there. Runs nothing and
/// understands no value: that is <see cref="PickleMachine"/>'s part. Argument forms: CPython, Lib/pickletools.py.
/// </summary>
internal sealed class PickleReader(ReadOnlyMemory<byte> pickle)
{
    /// <summary>Reads the instruction at <paramref name="offset"/>.</summary>
    /// <exception cref="MigrationException">There is no such opcode, or its argument does not fit the bytes that are left.</exception>
    public PickleInstruction Read(int offset)
    {
        var bytes = pickle.Span;
        if (offset >= bytes.Length)
        {
            throw PickleFailure.CutOff(offset, "the pickle ends without STOP");
        }

        // Every opcode is named, so that this is one jump.
        var opcode = (PickleOpcode)bytes[offset];
        switch (opcode)
        {
            case PickleOpcode.BinInt1 or PickleOpcode.BinGet or PickleOpcode.BinPut or PickleOpcode.Proto or PickleOpcode.Ext1:
                return Fixed(bytes, opcode, offset, 1);
            case PickleOpcode.BinInt2 or PickleOpcode.Ext2:
                return Fixed(bytes, opcode, offset, 2);
            case PickleOpcode.BinInt or PickleOpcode.LongBinGet or PickleOpcode.LongBinPut or PickleOpcode.Ext4:
                return Fixed(bytes, opcode, offset, 4);
            case PickleOpcode.BinFloat or PickleOpcode.Frame:
                return Fixed(bytes, opcode, offset, 8);
            case PickleOpcode.ShortBinString or PickleOpcode.ShortBinBytes or PickleOpcode.ShortBinUnicode or PickleOpcode.Long1:
                return Counted(bytes, opcode, offset, 1);
            case PickleOpcode.BinString or PickleOpcode.BinBytes or PickleOpcode.BinUnicode or PickleOpcode.Long4:
                return Counted(bytes, opcode, offset, 4);
            case PickleOpcode.BinUnicode8 or PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                return Counted(bytes, opcode, offset, 8);
            case PickleOpcode.Float or PickleOpcode.Int or PickleOpcode.Long or PickleOpcode.PersId or PickleOpcode.String
                or PickleOpcode.Unicode or PickleOpcode.Get or PickleOpcode.Put:
                return Lines(bytes, opcode, offset, 1);
            case PickleOpcode.Global or PickleOpcode.Inst:
                return Lines(bytes, opcode, offset, 2);
            case PickleOpcode.Mark or PickleOpcode.Stop or PickleOpcode.Pop or PickleOpcode.PopMark or PickleOpcode.Dup or PickleOpcode.None
                or PickleOpcode.NewTrue or PickleOpcode.NewFalse or PickleOpcode.BinPersId or PickleOpcode.Memoize
                or PickleOpcode.Reduce or PickleOpcode.Build or PickleOpcode.Obj or PickleOpcode.NewObj or PickleOpcode.NewObjEx or PickleOpcode.StackGlobal
                or PickleOpcode.EmptyTuple or PickleOpcode.Tuple or PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3
                or PickleOpcode.EmptyList or PickleOpcode.List or PickleOpcode.Append or PickleOpcode.Appends
                or PickleOpcode.EmptyDict or PickleOpcode.Dict or PickleOpcode.SetItem or PickleOpcode.SetItems
                or PickleOpcode.EmptySet or PickleOpcode.AddItems or PickleOpcode.FrozenSet or PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer:
                return Fixed(bytes, opcode, offset, 0);
            default:
                throw NoOpcode(offset, (byte)opcode);
        }
    }

    /// <summary>The payload of the instruction's argument.</summary>
    public ReadOnlySpan<byte> Argument(in PickleInstruction instruction) =>
        pickle.Span.Slice(instruction.ArgumentOffset, instruction.ArgumentLength);

    /// <summary>The whole instruction.</summary>
    public ReadOnlySpan<byte> All(in PickleInstruction instruction) => pickle.Span[instruction.Offset..instruction.End];

    private static PickleInstruction Fixed(ReadOnlySpan<byte> bytes, PickleOpcode opcode, int offset, int length)
    {
        var start = offset + 1;
        Need(bytes, opcode, offset, start, length);
        return new PickleInstruction(opcode, offset, start, length, start + length);
    }

    private static PickleInstruction Counted(ReadOnlySpan<byte> bytes, PickleOpcode opcode, int offset, int prefix)
    {
        Need(bytes, opcode, offset, offset + 1, prefix);
        var start = offset + 1 + prefix;
        var field = bytes.Slice(offset + 1, prefix);
        var length = prefix switch
        {
            1 => field[0],
            4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(field),
        };
        return length <= (ulong)(bytes.Length - start)
            ? new PickleInstruction(opcode, offset, start, (int)length, start + (int)length)
            : throw CutOff(opcode, offset, "announces", length, bytes.Length - start);
    }

    /// <summary>An argument of lines; the payload holds all of them with the line feeds between.</summary>
    private static PickleInstruction Lines(ReadOnlySpan<byte> bytes, PickleOpcode opcode, int offset, int count)
    {
        var end = offset + 1;
        for (var line = 0; line < count; line++)
        {
            var window = bytes.Slice(end, Math.Min(bytes.Length - end, PickleLimits.Line));
            var feed = window.IndexOf((byte)'\n');
            if (feed < 0)
            {
                var problem = $"the line of {opcode} has no end within {window.Length} bytes";
                throw window.Length < PickleLimits.Line ? PickleFailure.CutOff(offset, problem) : PickleFailure.At(offset, problem);
            }

            end += feed + 1;
        }

        return new PickleInstruction(opcode, offset, offset + 1, end - offset - 2, end);
    }

    private static void Need(ReadOnlySpan<byte> bytes, PickleOpcode opcode, int offset, int start, int length)
    {
        if (length > bytes.Length - start)
        {
            throw CutOff(opcode, offset, "needs", (ulong)length, bytes.Length - start);
        }
    }

    private static MigrationException NoOpcode(int offset, byte value) => PickleFailure.At(offset, $"byte 0x{value:x2} is no pickle opcode");

    private static MigrationException CutOff(PickleOpcode opcode, int offset, string verb, ulong length, int left) =>
        PickleFailure.CutOff(offset, $"{opcode} {verb} {length} bytes, {left} are left");
}
