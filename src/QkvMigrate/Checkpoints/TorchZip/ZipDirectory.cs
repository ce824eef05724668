using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The entries of a zip, checked against each other: they cover the file from its first byte to the central
/// directory, without gap or overlap, and each local header says what the directory says. The headers are held, and paid
/// for from a <see cref="DirectoryBudget"/>.
/// </summary>
internal sealed class ZipDirectory
{
    /// <summary>What is made of an entry besides its headers and its name: objects, and places in lists and dictionaries.</summary>
    private const int EntryBytes = 360;

    private ZipDirectory(IReadOnlyList<ZipEntry> entries, IReadOnlyList<ZipEntry> listed, ZipEnd end)
    {
        Entries = entries;
        Listed = listed;
        End = end;
        ByName = entries.ToDictionary(entry => entry.Name);
    }

    /// <summary>The entries in the order of their bytes in the file.</summary>
    public IReadOnlyList<ZipEntry> Entries { get; }

    /// <summary>The entries in the order of the central directory.</summary>
    public IReadOnlyList<ZipEntry> Listed { get; }

    /// <summary>The entries by name.</summary>
    public IReadOnlyDictionary<string, ZipEntry> ByName { get; }

    /// <summary>The records behind the central directory.</summary>
    public ZipEnd End { get; }

    /// <summary>Reads the directory and every local header; no entry's bytes.</summary>
    /// <exception cref="MigrationException">The zip breaks a rule, or uses compression or encryption.</exception>
    public static ZipDirectory Read(SourceFile source)
    {
        var end = ZipEnd.Read(source);
        var budget = new DirectoryBudget(ZipFailure.DirectoryPlace, end.DirectorySize);
        var central = CentralHeaders(source.Read(end.DirectoryOffset, (int)end.DirectorySize), end, budget);

        // What is not the entries' bytes is their local headers', which are to be held as well.
        budget.Spend(central.Aggregate(end.DirectoryOffset, (rest, header) => rest - Math.Min(rest, header.Size)));
        var byPlace = central.OrderBy(header => header.HeaderOffset).ToList();
        var entries = new Dictionary<string, ZipEntry>(byPlace.Count);
        var expected = 0L;
        for (var i = 0; i < byPlace.Count; i++)
        {
            var header = byPlace[i];
            if (header.HeaderOffset != expected)
            {
                throw ZipFailure.At(header.Name, header.HeaderOffset, $"the local header is expected at byte {expected}, where the bytes before it end");
            }

            var next = i + 1 < byPlace.Count ? byPlace[i + 1].HeaderOffset : end.DirectoryOffset;
            var entry = ZipLocalHeader.Read(source, header, next);
            if (!entries.TryAdd(entry.Name, entry))
            {
                throw ZipFailure.At(entry.Name, entry.HeaderOffset, "two entries have this name");
            }

            expected = entry.End;
        }

        if (expected != end.DirectoryOffset)
        {
            throw ZipFailure.Directory(end.DirectoryOffset, $"the directory is expected at byte {expected}, where the last entry ends");
        }

        return new ZipDirectory([.. entries.Values], [.. central.Select(header => entries[header.Name])], end);
    }

    private static List<ZipCentralHeader> CentralHeaders(ReadOnlyMemory<byte> directory, ZipEnd end, DirectoryBudget budget)
    {
        var headers = new List<ZipCentralHeader>();
        for (var at = 0; at < directory.Length;)
        {
            var header = ZipCentralHeader.Read(directory[at..], end.DirectoryOffset + at);
            budget.Spend(EntryBytes + DirectoryBudget.Name(header.Name.Length));
            headers.Add(header);
            at += header.Bytes.Length;
        }

        return headers.Count == end.Count
            ? headers
            : throw ZipFailure.Directory(end.DirectoryOffset, $"{headers.Count} entries are listed, the end record says {end.Count}");
    }
}

/// <summary>One header of the central directory, read and checked on its own.</summary>
internal sealed record ZipCentralHeader(string Name, ReadOnlyMemory<byte> Bytes, long HeaderOffset, long Size, uint Crc, ushort Flags)
{
    /// <summary>Bytes of the longest name: PyTorch's are the file's own, a folder, and a number.</summary>
    private const int MaximumName = 1 << 12;

    /// <summary>Reads the header that <paramref name="directory"/> starts with; it stands at <paramref name="offset"/> of the file.</summary>
    public static ZipCentralHeader Read(ReadOnlyMemory<byte> directory, long offset)
    {
        var span = directory.Span;
        if (span.Length < ZipFormat.CentralHeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(span) != ZipFormat.CentralHeaderSignature)
        {
            throw ZipFailure.Directory(offset, "no header of an entry is where one is expected");
        }

        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralNameLength..]);
        var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralExtraLength..]);
        var length = ZipFormat.CentralHeaderLength + nameLength + extraLength + BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralCommentLength..]);
        if (length > span.Length)
        {
            throw ZipFailure.Directory(offset, $"a header of {length} bytes does not fit the {span.Length} that are left");
        }

        if (nameLength > MaximumName)
        {
            throw new MigrationException(FailureKind.Unsupported, $"a name of {nameLength} bytes, at most {MaximumName} are read", where: ZipFailure.DirectoryPlace, offset: offset);
        }

        var name = Encoding.UTF8.GetString(span.Slice(ZipFormat.CentralHeaderLength, nameLength));
        if (name.StartsWith('/') || name.AsSpan().ContainsAny('\\', '\0') || name.Split('/').Contains(".."))
        {
            // Nothing is unpacked here, but who unpacks the new file would trust it.
            throw ZipFailure.At(name, offset, "the entry's name leads out of the archive");
        }

        var flags = BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralFlags..]);
        if ((flags & ZipFormat.EncryptedFlag) != 0)
        {
            throw new MigrationException(FailureKind.Unsupported, "the entry is encrypted", where: ZipFailure.Place(name), offset: offset);
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralMethod..]) != ZipFormat.Stored)
        {
            throw new MigrationException(FailureKind.Unsupported, "the entry is compressed; torch.save stores entries as they are, and torch.load maps no other", where: ZipFailure.Place(name), offset: offset);
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ZipFormat.CentralDisk..]) is not (0 or ZipFormat.Escape16))
        {
            throw ZipFailure.At(name, offset, "the entry is on another disk");
        }

        var fields = ZipExtra.Parse(directory.Slice(ZipFormat.CentralHeaderLength + nameLength, extraLength), name, offset);
        var numbers = new[] { ZipFormat.CentralSize, ZipFormat.CentralCompressedSize, ZipFormat.CentralHeaderOffset }
            .Select(field => BinaryPrimitives.ReadUInt32LittleEndian(directory.Span[field..])).ToArray();
        var zip64 = new Queue<long>(ZipExtra.Zip64Numbers(fields, numbers.Count(number => number == ZipFormat.Escape32), name, offset));
        var resolved = Array.ConvertAll(numbers, number => number == ZipFormat.Escape32 ? zip64.Dequeue() : number);
        if (resolved[0] != resolved[1])
        {
            throw ZipFailure.At(name, offset, $"a stored entry has one size, this one {resolved[1]} and {resolved[0]}");
        }

        return new ZipCentralHeader(name, directory[..length], resolved[2], resolved[0], BinaryPrimitives.ReadUInt32LittleEndian(span[ZipFormat.CentralCrc..]), flags);
    }
}
