using System.Buffers.Binary;

namespace QkvMigrate.Pickling;

/// <summary>
/// Cuts a pickle into instructions, checking every length against the bytes that are there. Runs nothing and
/// understands no value: that is <see cref="PickleMachine"/>'s part. Argument forms: CPython, Lib/pickletools.py.
/// </summary>
internal sealed class PickleReader(ReadOnlyMemory<byte> pickle)
{
    private ReadOnlySpan<byte> Bytes => pickle.Span;

    /// <summary>Reads the instruction at <paramref name="offset"/>.</summary>
    /// <exception cref="MigrationException">There is no such opcode, or its argument does not fit the bytes that are left.</exception>
    public PickleInstruction Read(int offset)
    {
        if (offset >= Bytes.Length)
        {
            throw PickleFailure.CutOff(offset, "the pickle ends without STOP");
        }

        var opcode = (PickleOpcode)Bytes[offset];
        return opcode switch
        {
            PickleOpcode.BinInt1 or PickleOpcode.BinGet or PickleOpcode.BinPut or PickleOpcode.Proto or PickleOpcode.Ext1
                => Fixed(opcode, offset, 1),
            PickleOpcode.BinInt2 or PickleOpcode.Ext2 => Fixed(opcode, offset, 2),
            PickleOpcode.BinInt or PickleOpcode.LongBinGet or PickleOpcode.LongBinPut or PickleOpcode.Ext4
                => Fixed(opcode, offset, 4),
            PickleOpcode.BinFloat or PickleOpcode.Frame => Fixed(opcode, offset, 8),
            PickleOpcode.ShortBinString or PickleOpcode.ShortBinBytes or PickleOpcode.ShortBinUnicode or PickleOpcode.Long1
                => Counted(opcode, offset, 1),
            PickleOpcode.BinString or PickleOpcode.BinBytes or PickleOpcode.BinUnicode or PickleOpcode.Long4
                => Counted(opcode, offset, 4),
            PickleOpcode.BinUnicode8 or PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8 => Counted(opcode, offset, 8),
            PickleOpcode.Float or PickleOpcode.Int or PickleOpcode.Long or PickleOpcode.PersId or PickleOpcode.String
                or PickleOpcode.Unicode or PickleOpcode.Get or PickleOpcode.Put => Lines(opcode, offset, 1),
            PickleOpcode.Global or PickleOpcode.Inst => Lines(opcode, offset, 2),
            _ when Enum.IsDefined(opcode) => new PickleInstruction(opcode, offset, offset + 1, 0, offset + 1),
            _ => throw PickleFailure.At(offset, $"byte 0x{(byte)opcode:x2} is no pickle opcode"),
        };
    }

    /// <summary>The payload of the instruction's argument.</summary>
    public ReadOnlySpan<byte> Argument(in PickleInstruction instruction) =>
        Bytes.Slice(instruction.ArgumentOffset, instruction.ArgumentLength);

    /// <summary>The whole instruction.</summary>
    public ReadOnlySpan<byte> All(in PickleInstruction instruction) => Bytes[instruction.Offset..instruction.End];

    private PickleInstruction Fixed(PickleOpcode opcode, int offset, int length)
    {
        Need(opcode, offset, offset + 1, length);
        return new PickleInstruction(opcode, offset, offset + 1, length, offset + 1 + length);
    }

    private PickleInstruction Counted(PickleOpcode opcode, int offset, int prefix)
    {
        Need(opcode, offset, offset + 1, prefix);
        var start = offset + 1 + prefix;
        var field = Bytes.Slice(offset + 1, prefix);
        var length = prefix switch
        {
            1 => field[0],
            4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(field),
        };
        if (length > (ulong)(Bytes.Length - start))
        {
            throw PickleFailure.CutOff(offset, $"{opcode} announces {length} bytes, {Bytes.Length - start} are left");
        }

        return new PickleInstruction(opcode, offset, start, (int)length, start + (int)length);
    }

    /// <summary>An argument of lines; the payload holds all of them with the line feeds between.</summary>
    private PickleInstruction Lines(PickleOpcode opcode, int offset, int count)
    {
        var end = offset + 1;
        for (var line = 0; line < count; line++)
        {
            var window = Bytes.Slice(end, Math.Min(Bytes.Length - end, PickleLimits.Line));
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

    private void Need(PickleOpcode opcode, int offset, int start, int length)
    {
        if (length > Bytes.Length - start)
        {
            throw PickleFailure.CutOff(offset, $"{opcode} needs {length} bytes, {Bytes.Length - start} are left");
        }
    }
}
