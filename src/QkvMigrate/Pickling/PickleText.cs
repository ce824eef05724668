using System.Buffers;
using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>Reads the string arguments of opcodes, and writes them (CPython, Lib/pickletools.py).</summary>
internal static class PickleText
{
    /// <summary>The lone surrogate that stands for byte 0; no text has one by itself, for UTF-8 has no surrogates.</summary>
    private const char EscapedByte = '\udc00';

    /// <summary>The text of a string opcode. Python 2's byte strings are read as UTF-8, as <c>torch.load</c> does by default.</summary>
    public static string Decode(in PickleInstruction at, ReadOnlySpan<byte> argument) => at.Opcode switch
    {
        PickleOpcode.Unicode => PickleEscapes.Unicode(at, argument),
        PickleOpcode.String => Utf8(PickleEscapes.Quoted(at, argument)),
        _ => Utf8(argument),
    };

    /// <summary>The two lines of GLOBAL and INST.</summary>
    public static (string First, string Second) Lines(ReadOnlySpan<byte> argument)
    {
        var feed = argument.IndexOf((byte)'\n');
        return (Utf8(argument[..feed]), Utf8(argument[(feed + 1)..]));
    }

    /// <summary>
    /// The same string opcode with another text. Where one of the two has more than 255 bytes, in the form that CPython's
    /// pickler would choose: from protocol 4 on SHORT_BINUNICODE up to 255 bytes and BINUNICODE above.
    /// </summary>
    /// <param name="opcode">The opcode of the old text.</param>
    /// <param name="oldLength">Bytes of the old text.</param>
    /// <param name="protocol">The pickle's protocol.</param>
    /// <param name="text">The new text.</param>
    public static byte[] Encode(PickleOpcode opcode, int oldLength, int protocol, string text)
    {
        if (opcode is PickleOpcode.Unicode or PickleOpcode.String)
        {
            return opcode == PickleOpcode.Unicode
                ? [(byte)opcode, .. Encoding.Latin1.GetBytes(PickleEscapes.EscapeUnicode(text)), (byte)'\n']
                : [(byte)opcode, .. Encoding.ASCII.GetBytes(PickleEscapes.Quote(Bytes(text))), (byte)'\n'];
        }

        var bytes = Bytes(text);
        var form = (opcode, bytes.Length) switch
        {
            // A short text in the long form is its writer's habit, and stays so.
            (PickleOpcode.BinString or PickleOpcode.BinUnicode, < 256) when oldLength < 256 => opcode,
            (PickleOpcode.BinUnicode8, _) => opcode,
            (PickleOpcode.BinString or PickleOpcode.ShortBinString, < 256) => PickleOpcode.ShortBinString,
            (PickleOpcode.BinString or PickleOpcode.ShortBinString, _) => PickleOpcode.BinString,
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

    /// <summary>
    /// UTF-8 in which nothing is lost: a byte that is no part of it (Python 2's byte strings, and lone surrogates, which
    /// CPython writes with <c>surrogatepass</c>) becomes a lone surrogate, as in Python's <c>surrogateescape</c> (PEP 383).
    /// </summary>
    private static string Utf8(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done)
            {
                text.Append(rune);
            }
            else
            {
                length = 1;
                text.Append((char)(EscapedByte + bytes[0]));
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    private static byte[] Bytes(string text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 1);
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) == OperationStatus.Done)
            {
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            }
            else
            {
                bytes.Write([(byte)(rest[0] - EscapedByte)]);
            }

            rest = rest[length..];
        }

        return bytes.WrittenSpan.ToArray();
    }
}
