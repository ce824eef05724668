using System.Buffers.Binary;
using System.Text;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the two headers of an entry against those in the first file. Free are the numbers that follow from the new
/// place and bytes (CRC-32, sizes, offset), which must be right, the zip64 field that carries them, and the padding.
/// </summary>
/// <remarks>
/// Padding may be: as long as it was; as long as it takes for the data to stand where it stood; or shorter than twice
/// the alignment. Where padded data stood on a multiple of the alignment it must again. Each byte of it is a <c>Z</c>, as in
/// PyTorch's own (caffe2/serialize/inline_container.cc, <c>getPadding</c>), unless the field is the first file's.
/// </remarks>
internal static class ZipHeaderComparison
{
    private const string LocalHeader = "local header";

    /// <summary>Compares the headers. A new entry has the name that it must have, and is otherwise like <paramref name="before"/>.</summary>
    public static void Compare(ZipEntry before, ZipEntry after, int alignment, DifferenceLog log)
    {
        CompareFixed(before, after, central: false, log);
        CompareFixed(before, after, central: true, log);
        var (local, newLocal) = (before.LocalFields, after.LocalFields);
        CompareFields(local, newLocal, after, LocalHeader, log);
        CompareFields(before.CentralFields, after.CentralFields, after, "central header", log);
        ComparePadding(local, newLocal, before, after, alignment, log);
        if (!before.CentralHeader.Span[before.CentralExtraEnd..].SequenceEqual(after.CentralHeader.Span[after.CentralExtraEnd..]))
        {
            log.Add(ZipComparison.Place(after), "the comment in the central header differs", after.HeaderOffset);
        }

        if (before.DescriptorLength != after.DescriptorLength && !(before.DescriptorLength is 16 or 24 && after.DescriptorLength is 16 or 24))
        {
            log.Add(
                ZipComparison.Place(after),
                $"a data descriptor of {after.DescriptorLength} bytes, expected {before.DescriptorLength}",
                after.End - after.DescriptorLength);
        }
    }

    /// <summary>The fields of fixed length and the name. A number is no difference where both entries give it rightly, or both alike.</summary>
    private static void CompareFixed(ZipEntry before, ZipEntry after, bool central, DifferenceLog log)
    {
        var old = (central ? before.CentralHeader : before.LocalHeader).Span;
        var now = (central ? after.CentralHeader : after.LocalHeader).Span;
        var (crc, packed, size, nameLength, extraLength, length) = central
            ? (
                ZipFormat.CentralCrc,
                ZipFormat.CentralCompressedSize,
                ZipFormat.CentralSize,
                ZipFormat.CentralNameLength,
                ZipFormat.CentralExtraLength,
                ZipFormat.CentralHeaderLength)
            : (
                ZipFormat.LocalCrc,
                ZipFormat.LocalCompressedSize,
                ZipFormat.LocalSize,
                ZipFormat.LocalNameLength,
                ZipFormat.LocalExtraLength,
                ZipFormat.LocalHeaderLength);
        if (before.Name != after.Name)
        {
            old = Named(old[..length], nameLength, after.Name);
        }

        length += BinaryPrimitives.ReadUInt16LittleEndian(now[nameLength..]);
        if (old[..length].SequenceEqual(now[..length]))
        {
            return;
        }

        var (expected, found) = (old[..length].ToArray(), now[..length].ToArray());
        Free(crc, sizeof(uint), SameMeaning(old, now, crc, before.Crc, after.Crc));
        Free(packed, sizeof(uint), SameMeaning(old, now, packed, Narrow(before.Size), Narrow(after.Size)));
        Free(size, sizeof(uint), SameMeaning(old, now, size, Narrow(before.Size), Narrow(after.Size)));
        Free(extraLength, sizeof(ushort), isFree: true);
        if (central)
        {
            Free(
                ZipFormat.CentralHeaderOffset,
                sizeof(uint),
                SameMeaning(old, now, ZipFormat.CentralHeaderOffset, Narrow(before.HeaderOffset), Narrow(after.HeaderOffset)));
        }

        var at = found.AsSpan().CommonPrefixLength(expected);
        if (at < length)
        {
            log.Add(
                $"{ZipComparison.Place(after)}, {(central ? "central" : "local")} header",
                $"field byte {at} is 0x{found[at]:x2}, expected 0x{expected[at]:x2}",
                central ? null : after.HeaderOffset + at);
        }

        void Free(int field, int bytes, bool isFree)
        {
            if (isFree)
            {
                expected.AsSpan(field, bytes).Clear();
                found.AsSpan(field, bytes).Clear();
            }
        }
    }

    /// <summary>The fields of fixed length with another name behind them.</summary>
    private static byte[] Named(ReadOnlySpan<byte> header, int nameLength, string name)
    {
        byte[] named = [.. header, .. Encoding.UTF8.GetBytes(name)];
        BinaryPrimitives.WriteUInt16LittleEndian(named.AsSpan(nameLength), (ushort)(named.Length - header.Length));
        return named;
    }

    /// <summary>Whether a field says the truth in both files. Where it never did (zeros before a data descriptor) it must not change.</summary>
    private static bool SameMeaning(ReadOnlySpan<byte> old, ReadOnlySpan<byte> now, int field, uint before, uint after) =>
        BinaryPrimitives.ReadUInt32LittleEndian(now[field..]) == after
        && BinaryPrimitives.ReadUInt32LittleEndian(old[field..]) is var was && (was == before || was == ZipFormat.Escape32);

    private static uint Narrow(long number) => (uint)Math.Min(number, ZipFormat.Escape32);

    private static void CompareFields(ZipExtraArea before, ZipExtraArea after, ZipEntry entry, string header, DifferenceLog log)
    {
        if (before.IsSame(after))
        {
            return;
        }

        // PyTorch pads by the local header alone, by its last field: all else of the padding's id is a field like any other.
        var isLocal = header == LocalHeader;
        var isPadded = isLocal && IsPadded(before);
        bool IsPlain(ZipExtra field) => field.Id != ZipFormat.Zip64ExtraId && !(isPadded && field.Id == ZipFormat.PaddingExtraId);
        var place = $"{ZipComparison.Place(entry)}, {header}";
        var expected = before.FindAll(IsPlain);
        var found = after.FindAll(IsPlain);
        if (expected.Count != found.Count
            || expected.Zip(found).Any(pair => pair.First.Id != pair.Second.Id || !pair.First.Payload.Span.SequenceEqual(pair.Second.Payload.Span)))
        {
            log.Add(place, "an extra field differs", entry.HeaderOffset);
        }
        else if (!Ids(before).SequenceEqual(Ids(after)))
        {
            log.Add(place, "its extra fields stand in another order", entry.HeaderOffset);
        }

        var was = before.FindAll(field => field.Id == ZipFormat.Zip64ExtraId);
        var zip64 = after.FindAll(field => field.Id == ZipFormat.Zip64ExtraId);
        var isSame = zip64.Count == was.Count && zip64.Zip(was).All(pair => pair.First.Payload.Span.SequenceEqual(pair.Second.Payload.Span));
        if (!isSame && (zip64.Count > 1 || zip64.Exists(field => !Says(field, entry, isLocal))))
        {
            log.Add(place, "the zip64 field is not what size and offset make it", entry.HeaderOffset);
        }
        else if (zip64.Count > was.Count && !IsWide(entry))
        {
            log.Add(place, "a zip64 field that neither size nor offset needs", entry.HeaderOffset);
        }
    }

    private static IEnumerable<ushort> Ids(ZipExtraArea fields) => fields.FindAll(field => field.Id != ZipFormat.Zip64ExtraId).Select(field => field.Id);

    private static bool IsWide(ZipEntry entry) => Math.Max(entry.Size, entry.HeaderOffset) >= ZipFormat.Escape32;

    /// <summary>
    /// Whether a zip64 field holds the entry's sizes, its offset, or both, in this order (APPNOTE.TXT 4.5.3), and nothing else. In
    /// local headers PyTorch's writer leaves the compressed size 0 (miniz.c, <c>mz_zip_writer_add_mem_ex_v2</c>).
    /// </summary>
    private static bool Says(ZipExtra field, ZipEntry entry, bool isLocal)
    {
        long[][] forms =
        [
            [entry.Size, entry.Size],
            [entry.HeaderOffset],
            [entry.Size, entry.Size, entry.HeaderOffset],
            .. isLocal ? [[entry.Size, 0], [entry.Size, 0, entry.HeaderOffset]] : (long[][])[],
        ];
        return Array.Exists(forms, numbers =>
            field.Payload.Length == numbers.Length * sizeof(long)
            && numbers.Index().All(number => BinaryPrimitives.ReadInt64LittleEndian(field.Payload.Span[(number.Index * sizeof(long))..]) == number.Item));
    }

    private static void ComparePadding(ZipExtraArea before, ZipExtraArea after, ZipEntry old, ZipEntry entry, int alignment, DifferenceLog log)
    {
        if (!IsPadded(before))
        {
            // Without padding it was chance that data was aligned: other tools write such zips.
            return;
        }

        if (!IsPadded(after))
        {
            log.Add(Place(), "it is not one field behind all others", entry.HeaderOffset);
            return;
        }

        if (old.DataOffset % alignment == 0 && entry.DataOffset % alignment != 0)
        {
            log.Add(Place(), $"the data starts at byte {entry.DataOffset}, which is no multiple of {alignment}", entry.DataOffset);
        }

        var (was, padding) = before.IsSame(after) ? ([], []) : (before.FindAll(IsPadding), after.FindAll(IsPadding));
        foreach (var (expected, found) in was.Zip(padding))
        {
            if (found.Payload.Span.SequenceEqual(expected.Payload.Span))
            {
                continue;
            }

            if (found.Payload.Span.ContainsAnyExcept(ZipFormat.PaddingByte))
            {
                log.Add(Place(), "it holds something else than Z", entry.HeaderOffset);
            }

            if (found.Payload.Length != expected.Payload.Length
                && found.Payload.Length >= 2 * alignment
                && entry.DataOffset != old.DataOffset
                && !IsFull(entry, alignment))
            {
                log.Add(Place(), $"{found.Payload.Length} bytes, which neither keep the data in its place nor align it", entry.HeaderOffset);
            }
        }

        string Place() => $"{ZipComparison.Place(entry)}, padding";
    }

    /// <summary>Whether padding is as long as a header's extra area allows: what it takes up of an entry that shrank by more.</summary>
    private static bool IsFull(ZipEntry entry, int alignment) =>
        ushort.MaxValue - BinaryPrimitives.ReadUInt16LittleEndian(entry.LocalHeader.Span[ZipFormat.LocalExtraLength..]) < alignment;

    /// <summary>Whether the last field is padding, and no other.</summary>
    private static bool IsPadded(ZipExtraArea fields)
    {
        // One pass without a list: there is an entry for each tensor.
        var (others, isLast) = (0, false);
        foreach (var field in fields)
        {
            others += isLast ? 1 : 0;
            isLast = IsPadding(field);
        }

        return isLast && others == 0;
    }

    private static bool IsPadding(ZipExtra field) => field.Id == ZipFormat.PaddingExtraId;
}
