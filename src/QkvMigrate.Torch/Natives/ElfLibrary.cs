using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using QkvMigrate.Files;

namespace QkvMigrate.Torch.Natives;

/// <summary>
/// The dynamic symbols of a shared library, read from its file: nothing of the library is loaded or run. 64-bit little-endian
/// ELF with a GNU hash table, which is what every linker on Linux writes (elf.h; for the hash table "ELF: symbol lookup via
/// DT_GNU_HASH", flapenguin.me).
/// </summary>
internal sealed class ElfLibrary : IDisposable
{
    private const int HeaderBytes = 64; // sizeof(Elf64_Ehdr)
    private const int ProgramHeaderBytes = 56; // sizeof(Elf64_Phdr)
    private const int DynamicBytes = 16; // sizeof(Elf64_Dyn)
    private const int SymbolBytes = 24; // sizeof(Elf64_Sym)
    private const int HashHeaderBytes = 16;
    private const ushort SharedObject = 3; // ET_DYN
    private const uint Loaded = 1; // PT_LOAD
    private const uint Dynamic = 2; // PT_DYNAMIC
    private const int Weak = 2; // STB_WEAK
    private const ushort Global = 1; // VER_NDX_GLOBAL: of no version
    private const ushort VersionMask = 0x7fff;

    /// <summary>Bytes of a symbol's name; C++ names of templates have some thousand.</summary>
    private const int LongestName = 1 << 16;

    private static readonly Dictionary<ushort, (Architecture Architecture, string Name)> Machines = new()
    {
        [62] = (Architecture.X64, "x86-64"),
        [183] = (Architecture.Arm64, "aarch64"),
        [3] = (Architecture.X86, "i386"),
        [21] = (Architecture.Ppc64le, "ppc64"),
        [22] = (Architecture.S390x, "s390x"),
        [40] = (Architecture.Arm, "arm"),
        [243] = (Architecture.RiscV64, "riscv"),
        [258] = (Architecture.LoongArch64, "loongarch"),
    };

    private readonly SourceFile file;
    private readonly List<LoadedRange> ranges = [];
    private readonly Dictionary<long, ulong> dynamic = [];
    private readonly long symbols;
    private readonly long names;
    private readonly long nameBytes;
    private readonly HashTable hash;

    private ElfLibrary(SourceFile file)
    {
        this.file = file;
        ReadHeaders();
        symbols = Place(DynamicTag.Symbols);
        names = Place(DynamicTag.Names);
        nameBytes = checked((long)Value(DynamicTag.NameBytes));
        hash = ReadHashHeader(Place(DynamicTag.GnuHash));
    }

    private enum DynamicTag : long
    {
        Names = 5, // DT_STRTAB
        Symbols = 6, // DT_SYMTAB
        NameBytes = 10, // DT_STRSZ
        GnuHash = 0x6ffffef5, // DT_GNU_HASH
        Versions = 0x6ffffff0, // DT_VERSYM
    }

    /// <summary>Opens a library for this machine.</summary>
    /// <exception cref="MigrationException">The file is no library, one for another machine, or damaged.</exception>
    public static ElfLibrary Open(string path)
    {
        var source = SourceFile.Open(path);
        try
        {
            return new ElfLibrary(source);
        }
        catch (Exception error) when (error is OverflowException or MigrationException { Kind: FailureKind.Malformed })
        {
            source.Dispose();
            throw new MigrationException(FailureKind.Unavailable, $"the library is damaged: {error.Message}", path, inner: error);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The symbols that other libraries must have for this one to work: undefined, not weak, and of no version. Those of
    /// libc and libstdc++ have versions, and the loader holds them against these by itself.
    /// </summary>
    public IEnumerable<string> RequiredSymbols()
    {
        var versions = Place(DynamicTag.Versions);

        // The hash table leaves out what is undefined, which therefore stands in front of it.
        for (var index = 1u; index < hash.FirstSymbol; index++)
        {
            var symbol = Bytes(symbols + (SymbolBytes * (long)index), SymbolBytes);
            var isUndefined = BinaryPrimitives.ReadUInt16LittleEndian(symbol.AsSpan(6)) == 0; // st_shndx
            var binding = symbol[4] >> 4; // st_info
            var version = BinaryPrimitives.ReadUInt16LittleEndian(Bytes(versions + (2L * index), 2)) & VersionMask;
            if (isUndefined && binding != Weak && binding != 0 && version <= Global)
            {
                yield return Name(BinaryPrimitives.ReadUInt32LittleEndian(symbol));
            }
        }
    }

    /// <summary>Whether the library defines a symbol for others.</summary>
    public bool Exports(string symbol)
    {
        var wanted = Encoding.ASCII.GetBytes(symbol);
        var code = Hash(wanted);
        var index = UInt32(hash.Buckets + (4L * (code % hash.BucketCount)));
        if (index < hash.FirstSymbol)
        {
            return false; // an empty bucket
        }

        // A chain ends with the first code whose last bit is set.
        for (; ; index++)
        {
            var found = UInt32(hash.Chains + (4L * (index - hash.FirstSymbol)));
            if ((found | 1) == (code | 1) && IsDefined(index, wanted))
            {
                return true;
            }

            if ((found & 1) != 0)
            {
                return false;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static uint Hash(ReadOnlySpan<byte> name)
    {
        var code = 5381u;
        foreach (var letter in name)
        {
            code = unchecked((code * 33) + letter);
        }

        return code;
    }

    private static string MachineName(ushort machine) => Machines.TryGetValue(machine, out var known) ? known.Name : $"the machine {machine} of elf.h";

    private void ReadHeaders()
    {
        var header = file.Length < HeaderBytes ? [] : file.Read(0, HeaderBytes);
        if (!header.AsSpan().StartsWith("\x7f\u0045LF"u8))
        {
            throw Unusable("this is no library: it does not begin as an ELF file does");
        }

        if (header is not [_, _, _, _, 2 /* 64 bits */, 1 /* little-endian */, ..])
        {
            throw Unusable("this is no library of 64 bits, little-endian");
        }

        var machine = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x12)); // e_machine
        if (!Machines.TryGetValue(machine, out var known) || known.Architecture != RuntimeInformation.ProcessArchitecture)
        {
            var own = Machines.FirstOrDefault(pair => pair.Value.Architecture == RuntimeInformation.ProcessArchitecture).Value.Name;
            throw Unusable($"a library for {MachineName(machine)}, and this program runs on {own}");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x10)) != SharedObject
            || BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x36)) != ProgramHeaderBytes)
        {
            throw Unusable("an ELF file, but no shared library");
        }

        var first = checked((long)BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(0x20))); // e_phoff
        var count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x38)); // e_phnum
        var programs = Bytes(first, count * ProgramHeaderBytes);
        for (var at = 0; at < programs.Length; at += ProgramHeaderBytes)
        {
            ReadProgramHeader(programs.AsSpan(at, ProgramHeaderBytes));
        }
    }

    private void ReadProgramHeader(ReadOnlySpan<byte> program)
    {
        var type = BinaryPrimitives.ReadUInt32LittleEndian(program);
        var offset = checked((long)BinaryPrimitives.ReadUInt64LittleEndian(program[0x08..]));
        var length = checked((long)BinaryPrimitives.ReadUInt64LittleEndian(program[0x20..])); // p_filesz
        if (type == Loaded)
        {
            ranges.Add(new LoadedRange(BinaryPrimitives.ReadUInt64LittleEndian(program[0x10..]), offset, (ulong)length));
        }
        else if (type == Dynamic)
        {
            var entries = Bytes(offset, checked((int)length));
            for (var at = 0; at + DynamicBytes <= entries.Length; at += DynamicBytes)
            {
                dynamic[BinaryPrimitives.ReadInt64LittleEndian(entries.AsSpan(at))] = BinaryPrimitives.ReadUInt64LittleEndian(entries.AsSpan(at + 8));
            }
        }
    }

    private HashTable ReadHashHeader(long place)
    {
        var header = Bytes(place, HashHeaderBytes);
        var buckets = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var filterWords = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8));
        if (buckets == 0)
        {
            throw Damaged("a hash table of no buckets", place);
        }

        var firstBucket = place + HashHeaderBytes + (sizeof(ulong) * (long)filterWords);
        return new HashTable(buckets, BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)), firstBucket, firstBucket + (sizeof(uint) * (long)buckets));
    }

    private bool IsDefined(uint index, ReadOnlySpan<byte> wanted)
    {
        var symbol = Bytes(symbols + (SymbolBytes * (long)index), SymbolBytes);
        if (BinaryPrimitives.ReadUInt16LittleEndian(symbol.AsSpan(6)) == 0)
        {
            return false;
        }

        var at = BinaryPrimitives.ReadUInt32LittleEndian(symbol);
        return at < nameBytes
            && wanted.Length < nameBytes - at
            && Bytes(names + at, wanted.Length + 1) is [.. var name, 0]
            && name.AsSpan().SequenceEqual(wanted);
    }

    private string Name(uint at)
    {
        if (at >= nameBytes)
        {
            throw Damaged($"a name at {at} of a table of {nameBytes} bytes", names);
        }

        var bytes = Bytes(names + at, (int)Math.Min(LongestName, nameBytes - at));
        var length = bytes.AsSpan().IndexOf((byte)0);
        return length > 0 ? Encoding.ASCII.GetString(bytes, 0, length) : throw Damaged("a name that is empty or has no end", names + at);
    }

    private ulong Value(DynamicTag tag) =>
        dynamic.TryGetValue((long)tag, out var value)
            ? value
            : throw Unusable($"a library without {tag} among its dynamic entries, which every linker on Linux writes");

    /// <summary>The offset in the file of what a dynamic entry gives the address of.</summary>
    private long Place(DynamicTag tag)
    {
        var address = Value(tag);
        foreach (var range in ranges)
        {
            if (address >= range.Address && address - range.Address < range.Length)
            {
                return checked(range.Offset + (long)(address - range.Address));
            }
        }

        throw Damaged($"{tag} at the address {address}, which no part of the file is loaded to", 0);
    }

    private uint UInt32(long place) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(place, sizeof(uint)));

    private byte[] Bytes(long place, int length) => file.Read(place, length);

    private MigrationException Unusable(string problem) => new(FailureKind.Unavailable, problem, file.Path);

    private MigrationException Damaged(string problem, long place) => new(FailureKind.Malformed, problem, file.Path, offset: place);

    /// <summary>A part of the file, and the address that it is loaded to.</summary>
    private readonly record struct LoadedRange(ulong Address, long Offset, ulong Length);

    /// <summary>The GNU hash table: how many buckets, the number of the first symbol in it, and where buckets and chains begin in the file.</summary>
    private readonly record struct HashTable(uint BucketCount, uint FirstSymbol, long Buckets, long Chains);
}
