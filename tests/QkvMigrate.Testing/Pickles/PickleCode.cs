using System.Text;

namespace QkvMigrate.Testing.Pickles;

/// <summary>Pickles written by hand: opcodes are mostly letters, so a string of Latin-1 characters shows them best.</summary>
internal static class PickleCode
{
    public static byte[] Bytes(string code) => Encoding.Latin1.GetBytes(code);
}
