using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes a copy of a 64-bit little-endian ELF library in which one symbol version that it needs is marked weak
/// (VER_FLG_WEAK), so that the loader goes on where the version is missing. A library that does not need the version is
/// copied as it is. The source is only read, and the copy appears whole or not at all.
/// Structures: elf.h and the Linux Standard Base, "Symbol Versioning".
/// </summary>
public sealed class WeakenSymbolVersion : Task
{
    private const int SectionVersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const byte FlagWeak = 0x2; // VER_FLG_WEAK
    private const int SectionHeaderSize = 64; // sizeof(Elf64_Shdr)

    [Required]
    public string Source { get; set; }

    [Required]
    public string Destination { get; set; }

    /// <summary>The version's name, such as GLIBCXX_3.4.32.</summary>
    [Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        var image = File.ReadAllBytes(Source);
        try
        {
            Weaken(image);
        }
        catch (InvalidDataException exception)
        {
            Log.LogError("{0}: {1}", Source, exception.Message);
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(Destination)));
        var temporary = Destination + "." + Guid.NewGuid().ToString("N");
        try
        {
            File.WriteAllBytes(temporary, image);
            if (File.Exists(Destination))
            {
                File.Replace(temporary, Destination, null);
            }
            else
            {
                File.Move(temporary, Destination);
            }
        }
        finally
        {
            File.Delete(temporary);
        }

        return true;
    }

    private void Weaken(byte[] image)
    {
        if (ReadUInt32(image, 0) != 0x464c457f || image[4] != 2 || image[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var sections = ReadOffset(image, 0x28); // e_shoff
        var sectionSize = ReadUInt16(image, 0x3a); // e_shentsize
        var sectionCount = ReadUInt16(image, 0x3c); // e_shnum
        if (sectionSize != SectionHeaderSize)
        {
            throw new InvalidDataException("section headers of " + sectionSize + " bytes, expected " + SectionHeaderSize);
        }

        for (var index = 0; index < sectionCount; index++)
        {
            var section = sections + (index * SectionHeaderSize);
            if (ReadUInt32(image, section + 4) == SectionVersionNeeds)
            {
                var names = ReadUInt32(image, section + 0x28); // sh_link: the string table
                if (names >= sectionCount)
                {
                    throw new InvalidDataException("section " + index + " links to section " + names + " of " + sectionCount);
                }

                WeakenNeeds(image, section, sections + ((int)names * SectionHeaderSize));
            }
        }
    }

    private void WeakenNeeds(byte[] image, long section, long nameSection)
    {
        var need = ReadOffset(image, section + 0x18); // sh_offset
        var names = ReadOffset(image, nameSection + 0x18);
        var files = ReadUInt32(image, section + 0x2c); // sh_info: how many Verneed entries
        for (var file = 0; file < files; file++)
        {
            var count = ReadUInt16(image, need + 2); // vn_cnt
            var version = need + ReadUInt32(image, need + 8); // vn_aux
            for (var index = 0; index < count; index++)
            {
                if (NameIs(image, names + ReadUInt32(image, version + 8))) // vna_name
                {
                    image[CheckedOffset(image, version + 4, 2)] |= FlagWeak; // vna_flags
                }

                version += ReadUInt32(image, version + 12); // vna_next
            }

            var next = ReadUInt32(image, need + 12); // vn_next
            if (next == 0)
            {
                return;
            }

            need += next;
        }
    }

    private bool NameIs(byte[] image, long offset)
    {
        var length = Encoding.ASCII.GetByteCount(Version);
        var start = CheckedOffset(image, offset, length + 1);
        return image[start + length] == 0 && string.Equals(Encoding.ASCII.GetString(image, start, length), Version, StringComparison.Ordinal);
    }

    private static ushort ReadUInt16(byte[] image, long offset)
    {
        return BitConverter.ToUInt16(image, CheckedOffset(image, offset, 2));
    }

    private static uint ReadUInt32(byte[] image, long offset)
    {
        return BitConverter.ToUInt32(image, CheckedOffset(image, offset, 4));
    }

    /// <summary>A file offset of 64 bits, known to lie in the file.</summary>
    private static long ReadOffset(byte[] image, long offset)
    {
        var value = BitConverter.ToUInt64(image, CheckedOffset(image, offset, 8));
        if (value > (ulong)image.Length)
        {
            throw new InvalidDataException("offset " + value + " is past the end of the file, " + image.Length + " bytes");
        }

        return (long)value;
    }

    private static int CheckedOffset(byte[] image, long offset, int length)
    {
        if (offset < 0 || offset > image.Length - length)
        {
            throw new InvalidDataException(length + " bytes at " + offset + " are past the end of the file, " + image.Length + " bytes");
        }

        return (int)offset;
    }
}
