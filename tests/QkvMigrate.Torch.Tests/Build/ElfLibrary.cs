using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Torch.Tests.Build;

/// <summary>The smallest library with symbol versions: an ELF header, three section headers, names, and the versions that two files must have.</summary>
internal sealed class ElfLibrary
{
    public const int StringTable = 256;
    public const int Needs = 384;
    public const int Length = 512;

    /// <summary>Where the flags of GLIBCXX_3.4.32 stand: the second version of the second file.</summary>
    public const int Flags = Needs + 48 + 16 + 16 + 4;

    private const int SectionHeaders = 64;

    /// <summary>Two names begin like the one that is looked for, and must not be taken for it.</summary>
    private const string Names = "\0libc.so.6\0libstdc++.so.6\0GLIBC_2.2.5\0GLIBC_2.3\0GLIBCXX_3.4\0GLIBCXX_3.4.32\0GLIBCXX_3.4.321\0";

    public byte[] Bytes { get; } = new byte[Length];

    public ElfLibrary()
    {
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(Bytes, 0);
        Put(0x28, SectionHeaders, 8); // e_shoff
        Put(0x3a, 64, 2); // e_shentsize
        Put(0x3c, 3, 2); // e_shnum
        Section(1, 3, StringTable, link: 0, info: 0); // SHT_STRTAB
        Section(2, 0x6ffffffe, Needs, link: 1, info: 2); // SHT_GNU_verneed
        Encoding.ASCII.GetBytes(Names).CopyTo(Bytes, StringTable);
        File(Needs, "libc.so.6", next: 48, "GLIBC_2.2.5", "GLIBC_2.3");
        File(Needs + 48, "libstdc++.so.6", next: 0, "GLIBCXX_3.4.321", "GLIBCXX_3.4.32");
    }

    /// <summary>Writes a little-endian number of 2, 4 or 8 bytes.</summary>
    public ElfLibrary Put(int offset, ulong value, int size)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        number[..size].CopyTo(Bytes.AsSpan(offset));
        return this;
    }

    /// <summary>Replaces a name by one of the same length.</summary>
    public ElfLibrary Rename(string from, string to)
    {
        Encoding.ASCII.GetBytes(to).CopyTo(Bytes, StringTable + (int)Name(from));
        return this;
    }

    public static int SectionHeader(int number) => SectionHeaders + (64 * number);

    private void Section(int number, ulong type, ulong offset, ulong link, ulong info)
    {
        var header = SectionHeader(number);
        Put(header + 4, type, 4);
        Put(header + 0x18, offset, 8);
        Put(header + 0x28, link, 4);
        Put(header + 0x2c, info, 4);
    }

    private void File(int offset, string name, ulong next, params string[] versions)
    {
        Put(offset, 1, 2); // vn_version
        Put(offset + 2, (ulong)versions.Length, 2);
        Put(offset + 4, Name(name), 4);
        Put(offset + 8, 16, 4); // vn_aux
        Put(offset + 12, next, 4);
        for (var i = 0; i < versions.Length; i++)
        {
            var version = offset + 16 + (16 * i);
            Put(version + 8, Name(versions[i]), 4);
            Put(version + 12, i + 1 < versions.Length ? 16u : 0u, 4);
        }
    }

    private static ulong Name(string name) => (ulong)Names.IndexOf('\0' + name + '\0', StringComparison.Ordinal) + 1;
}
