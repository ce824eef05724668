using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>Reads the string arguments of opcodes, and writes them (CPython, Lib/pickletools.py).</summary>
internal static class PickleText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text of a string opcode. Python 2's byte strings are read as UTF-8, as <c>torch.load</c> does by default.</summary>
    public static string Decode(in PickleInstruction at, ReadOnlySpan<byte> argument) => at.Opcode switch
    {
        PickleOpcode.Unicode => PickleEscapes.Unicode(at, argument),
        PickleOpcode.String => PickleEscapes.Quoted(at, argument),
        _ => Utf8(argument),
    };

    /// <summary>The two lines of GLOBAL and INST.</summary>
    public static (string First, string Second) Lines(ReadOnlySpan<byte> argument)
    {
        var feed = argument.IndexOf((byte)'\n');
        return (Utf8(argument[..feed]), Utf8(argument[(feed + 1)..]));
    }

    /// <summary>
    /// The same string opcode with another text, in the form that CPython's pickler would choose: from protocol 4 on
    /// SHORT_BINUNICODE up to 255 bytes and BINUNICODE above.
    /// </summary>
    public static byte[] Encode(PickleOpcode opcode, int protocol, string text)
    {
        if (opcode is PickleOpcode.Unicode or PickleOpcode.String)
        {
            return opcode == PickleOpcode.Unicode
                ? [(byte)opcode, .. Encoding.Latin1.GetBytes(PickleEscapes.EscapeUnicode(text)), (byte)'\n']
                : [(byte)opcode, .. Encoding.ASCII.GetBytes(PickleEscapes.Quote(text)), (byte)'\n'];
        }

        var bytes = Strict.GetBytes(text);
        var form = (opcode, bytes.Length) switch
        {
            (PickleOpcode.BinString or PickleOpcode.ShortBinString, < 256) => PickleOpcode.ShortBinString,
            (PickleOpcode.BinString or PickleOpcode.ShortBinString, _) => PickleOpcode.BinString,
            (PickleOpcode.BinUnicode8, _) => PickleOpcode.BinUnicode8,
            (_, < 256) when protocol >= 4 => PickleOpcode.ShortBinUnicode,
            _ => PickleOpcode.BinUnicode,
        };
        byte[] length = form switch
        {
            PickleOpcode.ShortBinUnicode or PickleOpcode.ShortBinString => [(byte)bytes.Length],
            PickleOpcode.BinUnicode8 => BitConverter.GetBytes((long)bytes.Length),
            _ => BitConverter.GetBytes(bytes.Length),
        };
        return [(byte)form, .. length, .. bytes];
    }

    private static string Utf8(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            // CPython writes lone surrogates with 'surrogatepass'; no key can be renamed to one, so the text only has to be distinct.
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
