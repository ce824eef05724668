using System.Buffers.Text;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// How an instruction that had to change may be written: as CPython's pickler writes it in the pickle's own protocol
/// (Lib/pickle.py, <c>save_str</c>, <c>save_long</c>, <c>get</c>), and in no other way. What another form says is the same to
/// <c>pickle</c>, but not to readers that know fewer opcodes (<c>torch.load(weights_only=True)</c>), and it may carry bytes that nobody reads.
/// </summary>
internal static class PickleForms
{
    private const int ShortBytes = byte.MaxValue;

    /// <summary>Whether a new text is written as the old one was: in the same opcode, but for what a length over 255 bytes forces.</summary>
    /// <param name="before">The instruction of the old text.</param>
    /// <param name="old">Its argument.</param>
    /// <param name="after">The instruction of the new text.</param>
    /// <param name="now">Its argument; its text is known to be right.</param>
    /// <param name="protocol">The pickle's protocol.</param>
    public static bool IsText(in PickleInstruction before, ReadOnlySpan<byte> old, in PickleInstruction after, ReadOnlySpan<byte> now, int protocol)
    {
        return before.Opcode switch
        {
            PickleOpcode.Unicode or PickleOpcode.String => after.Opcode == before.Opcode && IsPlainChange(old, now),
            PickleOpcode.ShortBinUnicode or PickleOpcode.ShortBinString => after.Opcode == (now.Length > ShortBytes ? Wide(before.Opcode) : before.Opcode),

            // A short text in the wide form is its writer's habit, a long one in it was forced.
            PickleOpcode.BinString => after.Opcode == (IsUnforced(old, now) ? PickleOpcode.ShortBinString : before.Opcode),
            PickleOpcode.BinUnicode => after.Opcode == (IsUnforced(old, now) && protocol >= 4 ? PickleOpcode.ShortBinUnicode : before.Opcode),
            _ => after.Opcode == before.Opcode,
        };
    }

    private static PickleOpcode Wide(PickleOpcode narrow) => narrow == PickleOpcode.ShortBinString ? PickleOpcode.BinString : PickleOpcode.BinUnicode;

    private static bool IsUnforced(ReadOnlySpan<byte> old, ReadOnlySpan<byte> now) => old.Length > ShortBytes && now.Length <= ShortBytes;

    /// <summary>
    /// Whether an escaped text changed without a new escape: between what both have at their start and at their end, the new
    /// one has no backslash. So <c>\u0061</c> can stand for no <c>a</c> that was written as one.
    /// </summary>
    public static bool IsPlainChange(ReadOnlySpan<byte> old, ReadOnlySpan<byte> now)
    {
        var start = old.CommonPrefixLength(now);
        var end = 0;
        while (end < Math.Min(old.Length, now.Length) - start && old[^(end + 1)] == now[^(end + 1)])
        {
            end++;
        }

        return !now[start..^end].Contains((byte)'\\');
    }

    /// <summary>Whether an int from 0 on is written in the one form that its value and the protocol leave.</summary>
    public static bool IsInteger(in PickleInstruction at, ReadOnlySpan<byte> argument, long value, int protocol) => at.Opcode switch
    {
        // Protocol 1 has no PROTO either, and CPython writes it like protocol 2.
        PickleOpcode.Int => protocol == 0 && IsDecimal(argument, value),
        PickleOpcode.BinInt1 => true,
        PickleOpcode.BinInt2 => value > byte.MaxValue,
        PickleOpcode.BinInt => value > ushort.MaxValue,
        PickleOpcode.Long1 => protocol >= 2 && value > int.MaxValue && argument.Length == new System.Numerics.BigInteger(value).GetByteCount(),
        PickleOpcode.Long => protocol < 2 && value > int.MaxValue && argument is [.., (byte)'L'] && IsDecimal(argument[..^1], value),
        _ => false,
    };

    /// <summary>Whether a fetch from the memo is written in the one form that its slot and the protocol leave.</summary>
    /// <param name="at">The fetch.</param>
    /// <param name="argument">Its argument.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="isLine">Whether the slot was filled by a line, as in protocol 0.</param>
    public static bool IsFetch(in PickleInstruction at, ReadOnlySpan<byte> argument, long slot, bool isLine) => at.Opcode switch
    {
        PickleOpcode.Get => isLine && IsDecimal(argument, slot),
        PickleOpcode.BinGet => !isLine,
        PickleOpcode.LongBinGet => !isLine && slot > byte.MaxValue,
        _ => false,
    };

    private static bool IsDecimal(ReadOnlySpan<byte> digits, long value) =>
        Utf8Parser.TryParse(digits, out long read, out var length)
        && read == value
        && length == digits.Length
        && (digits is [(byte)'0'] or [>= (byte)'1' and <= (byte)'9', ..]);
}
