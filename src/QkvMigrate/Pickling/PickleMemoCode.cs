using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>The instructions that put into the memo and fetch from it, in all their forms (CPython, Lib/pickletools.py).</summary>
internal static class PickleMemoCode
{
    /// <summary>Whether an instruction puts the value on top of the stack into the memo.</summary>
    public static bool IsPut(PickleOpcode opcode) =>
        opcode is PickleOpcode.Memoize or PickleOpcode.Put or PickleOpcode.BinPut or PickleOpcode.LongBinPut;

    /// <summary>Whether an instruction fetches a value from the memo.</summary>
    public static bool IsGet(PickleOpcode opcode) =>
        opcode is PickleOpcode.Get or PickleOpcode.BinGet or PickleOpcode.LongBinGet;

    /// <summary>The slot of a put or a get; MEMOIZE names none, and takes the number of slots that are filled.</summary>
    /// <param name="reader">The pickle.</param>
    /// <param name="at">The instruction.</param>
    /// <param name="filled">How many slots are filled.</param>
    public static long Slot(PickleReader reader, in PickleInstruction at, long filled) => at.Opcode switch
    {
        PickleOpcode.Memoize => filled,
        PickleOpcode.Put or PickleOpcode.Get => PickleNumbers.Line(at, reader.Argument(at)),
        _ => PickleNumbers.Unsigned(reader.Argument(at)),
    };

    /// <summary>PUT of a slot, in the form that CPython's pickler chooses (<c>_Pickler.put</c>): a line in protocol 0.</summary>
    public static byte[] Put(long slot, bool isLine) => Encode(slot, isLine, PickleOpcode.Put, PickleOpcode.BinPut, PickleOpcode.LongBinPut);

    /// <summary>GET of a slot, in the form that CPython's pickler chooses (<c>_Pickler.get</c>): a line in protocol 0.</summary>
    public static byte[] Get(long slot, bool isLine) => Encode(slot, isLine, PickleOpcode.Get, PickleOpcode.BinGet, PickleOpcode.LongBinGet);

    private static byte[] Encode(long slot, bool isLine, PickleOpcode line, PickleOpcode narrow, PickleOpcode wide) => (isLine, slot) switch
    {
        (true, _) => [(byte)line, .. Encoding.ASCII.GetBytes(slot.ToString()), (byte)'\n'],
        (_, < 256) => [(byte)narrow, (byte)slot],
        _ => [(byte)wide, .. BitConverter.GetBytes((uint)slot)],
    };
}
