using System.Security.Cryptography;
using System.Text;
using QkvMigrate.Attention;

namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// The header of a journal as bytes: a mark, their count, the numbers in order, and a SHA-256 of it all. What is read is anybody's:
/// each count is held against the bytes that are left, and each range against the file.
/// </summary>
internal static class JournalText
{
    /// <summary>The longest header: what is written at the end, twice, and the moves.</summary>
    public const int MostBytes = 512 << 20;

    /// <summary>The mark and the count.</summary>
    private const int FrameBytes = 32;

    private static readonly byte[] Mark = Encoding.ASCII.GetBytes("qkvmigrate journal 1\n\0\0\0");

    /// <summary>The bytes of a header.</summary>
    public static byte[] Of(JournalHeader header)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Mark);
        writer.Write(0L);
        Put(writer, Encoding.UTF8.GetBytes(header.Name));
        Put(writer, header.Facts);
        var plan = header.Plan;
        writer.Write(plan.OldLength);
        writer.Write(plan.NewLength);
        Put(writer, plan.Steps, step => Put(writer, step.Blocks, block =>
        {
            Put(writer, block.Range);
            Put(writer, block.Moves, move => Put(writer, move));
        }));
        Put(writer, plan.Before);
        Put(writer, plan.After);
        Put(writer, plan.Checksums, checksum =>
        {
            Put(writer, checksum.Range);
            Put(writer, checksum.Places, writer.Write);
        });
        writer.Seek(Mark.Length, SeekOrigin.Begin);
        writer.Write(stream.Length + SHA256.HashSizeInBytes);
        writer.Seek(0, SeekOrigin.End);
        writer.Write(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    /// <summary>The length of the header that begins with some bytes, or null where they begin none.</summary>
    public static long? LengthOf(ReadOnlySpan<byte> start) =>
        start.Length >= FrameBytes && start.StartsWith(Mark) && BitConverter.ToInt64(start[Mark.Length..]) is var length
            && length is > FrameBytes + SHA256.HashSizeInBytes and <= MostBytes
            ? length
            : null;

    /// <summary>Bytes that <see cref="LengthOf"/> needs.</summary>
    public static int StartBytes => FrameBytes;

    /// <summary>Reads a header.</summary>
    /// <exception cref="InvalidDataException">It is none, or its numbers make no change of a file.</exception>
    public static JournalHeader Read(byte[] bytes)
    {
        var content = bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes);
        Expect(SHA256.HashData(content).AsSpan().SequenceEqual(bytes.AsSpan(content.Length)), "its checksum is another");
        using var reader = new BinaryReader(new MemoryStream(bytes, FrameBytes, content.Length - FrameBytes), Encoding.UTF8);
        try
        {
            var name = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes(reader));
            Expect(name.Length > 0 && Path.GetFileName(name) == name && name is not ("." or ".."), "it names no file");
            var facts = Bytes(reader);
            var (oldLength, newLength) = (reader.ReadInt64(), reader.ReadInt64());
            Expect(oldLength >= 0 && newLength >= 0, "a length is negative");
            var steps = Items(reader, () => new InPlaceStep(Items(reader, () => Block(reader, Math.Min(oldLength, newLength)))));
            CheckOrder(steps.SelectMany(step => step.Blocks).Select(block => block.Range));
            var (before, after) = (Image(reader, oldLength), Image(reader, newLength));
            CheckOrder(steps.SelectMany(step => step.Blocks).Select(block => block.Range).Concat(before.Ranges).OrderBy(range => range.Start));
            CheckOrder(steps.SelectMany(step => step.Blocks).Select(block => block.Range).Concat(after.Ranges).OrderBy(range => range.Start));
            var checksums = Items(reader, () => new PlannedChecksum(Range(reader, newLength), Items(reader, reader.ReadInt64)));
            Expect(checksums.SelectMany(checksum => checksum.Places).All(place => after.TryPut(place, new byte[sizeof(uint)])), "a checksum stands nowhere");
            Expect(reader.BaseStream.Position == reader.BaseStream.Length, "bytes are left over");
            return new JournalHeader(name, facts, new InPlacePlan(oldLength, newLength, steps, before, after, checksums));
        }
        catch (Exception error) when (error is EndOfStreamException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException("its numbers make no change of a file", error);
        }
    }

    private static MovedBlock Block(BinaryReader reader, long length)
    {
        var range = Range(reader, length);
        var block = new MovedBlock(range, Items(reader, () => Move(reader)));
        Expect(range.Length > 0 && block.IsPermutation(), "its moves cannot be taken back");
        return block;
    }

    private static BlockMove Move(BinaryReader reader)
    {
        var (target, offset, repetitions, rowBytes) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        Expect(target >= 0 && offset >= 0 && repetitions > 0 && rowBytes > 0, "a move has no place");
        var permutation = RowPermutation.FromRuns(Items(reader, () => new RowRun(reader.ReadInt32(), reader.ReadInt32())));
        Expect(permutation.RowCount > 0, "a move has no rows");
        return new BlockMove(target, offset, repetitions, rowBytes, permutation);
    }

    private static RangeImage Image(BinaryReader reader, long length)
    {
        var ranges = Items(reader, () => Range(reader, length));
        CheckOrder(ranges);
        var bytes = Bytes(reader);
        Expect(ranges.Sum(range => range.Length) == bytes.Length, "its ranges have other bytes");
        return new RangeImage(ranges, bytes);
    }

    private static ByteRange Range(BinaryReader reader, long length)
    {
        var range = new ByteRange(reader.ReadInt64(), reader.ReadInt64());
        Expect(range.Start >= 0 && range.Length >= 0 && range.Start <= length && range.Length <= length - range.Start, "a range leaves the file");
        return range;
    }

    private static void CheckOrder(IEnumerable<ByteRange> ranges)
    {
        var end = 0L;
        foreach (var range in ranges)
        {
            Expect(range.Start >= end, "its ranges overlap");
            end = range.End;
        }
    }

    private static List<T> Items<T>(BinaryReader reader, Func<T> item)
    {
        var count = reader.ReadInt32();
        Expect(count >= 0 && count <= reader.BaseStream.Length - reader.BaseStream.Position, "a count is too large");
        var items = new List<T>();
        for (var i = 0; i < count; i++)
        {
            items.Add(item());
        }

        return items;
    }

    private static byte[] Bytes(BinaryReader reader)
    {
        var count = reader.ReadInt32();
        Expect(count >= 0 && count <= reader.BaseStream.Length - reader.BaseStream.Position, "a count is too large");
        return reader.ReadBytes(count);
    }

    private static void Put(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static void Put<T>(BinaryWriter writer, IReadOnlyList<T> items, Action<T> put)
    {
        writer.Write(items.Count);
        foreach (var item in items)
        {
            put(item);
        }
    }

    private static void Put(BinaryWriter writer, ByteRange range)
    {
        writer.Write(range.Start);
        writer.Write(range.Length);
    }

    private static void Put(BinaryWriter writer, RangeImage image)
    {
        Put(writer, image.Ranges, range => Put(writer, range));
        Put(writer, image.Bytes);
    }

    private static void Put(BinaryWriter writer, BlockMove move)
    {
        writer.Write(move.Target);
        writer.Write(move.Offset);
        writer.Write(move.Repetitions);
        writer.Write(move.RowBytes);
        Put(writer, move.Permutation.Runs, run =>
        {
            writer.Write(run.Start);
            writer.Write(run.Length);
        });
    }

    private static void Expect(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidDataException(problem);
        }
    }
}
