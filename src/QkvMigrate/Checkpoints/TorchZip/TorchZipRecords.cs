using System.IO.Hashing;
using System.Text;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Files;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>Reads the records of PyTorch's zip that are no storages.</summary>
internal static class TorchZipRecords
{
    /// <summary>Bytes that are summed up at once.</summary>
    private const int BlockBytes = 1 << 20;

    /// <summary>Reads <c>data.pkl</c>.</summary>
    /// <param name="directory">The zip.</param>
    /// <param name="entry">The pickle's entry.</param>
    /// <param name="findStorage">Finds the bytes of a storage by its key.</param>
    /// <exception cref="MigrationException">It is too large, damaged, or no state dict.</exception>
    public static TorchPickle ReadPickle(ZipDirectory directory, ZipEntry entry, Func<string, StorageEntry?> findStorage)
    {
        try
        {
            if (entry.Size > PickleLimits.Bytes)
            {
                throw PickleFailure.Limit(0, $"{entry.Size} bytes are more than the {PickleLimits.Bytes} that a pickle may have");
            }

            var bytes = directory.Source.Read(entry.DataOffset, (int)entry.Size);
            if (entry.HasChecksum && Crc32.HashToUInt32(bytes) != entry.Crc)
            {
                throw PickleFailure.At(0, "the bytes do not have the checksum that the zip gives");
            }

            var document = PickleMachine.Run(bytes, directory.Entries.Count);
            var end = document.Script.Bytes.Length;
            return end == bytes.Length
                ? new TorchPickle(document, findStorage)
                : throw PickleFailure.At(end, $"{bytes.Length - end} bytes stand behind the end of the pickle");
        }
        catch (MigrationException error) when (error.File is null)
        {
            var where = error.Where is null ? entry.Name : $"{entry.Name}, {error.Where}";
            throw new MigrationException(error.Kind, error.Problem, directory.Source.Path, where, error.Offset, error);
        }
    }

    /// <summary>Reads a record, and holds it against its checksum.</summary>
    /// <exception cref="MigrationException">It does not have it, or cannot be read.</exception>
    public static void CheckSum(SourceFile source, ZipEntry entry, CancellationToken cancellation)
    {
        if (!entry.HasChecksum)
        {
            return;
        }

        var (sum, block) = (new Crc32(), new byte[(int)Math.Min(BlockBytes, entry.Size)]);
        for (var at = 0L; at < entry.Size; at += block.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var part = block.AsSpan(0, (int)Math.Min(block.Length, entry.Size - at));
            source.Read(entry.DataOffset + at, part);
            sum.Append(part);
        }

        if (sum.GetCurrentHashAsUInt32() is var computed && computed != entry.Crc)
        {
            throw ZipFailure.Damaged(source.Path, ZipFailure.Place(entry.Name), entry.DataOffset, computed, entry.Crc);
        }
    }

    /// <summary>
    /// The alignment that the file was written with: <c>.storage_alignment</c> holds it in decimal digits since PyTorch 2.7
    /// (torch/serialization.py, <c>_save</c>); before, it was always 64.
    /// </summary>
    public static int ReadAlignment(ZipDirectory directory, string stem)
    {
        if (!directory.ByName.TryGetValue($"{stem}/.storage_alignment", out var entry) || entry.Size > 10)
        {
            return ZipFormat.Alignment;
        }

        var digits = directory.Source.Read(entry.DataOffset, (int)entry.Size);
        return int.TryParse(Encoding.ASCII.GetString(digits), out var value) && value is >= 1 and <= 1 << 15 ? value : ZipFormat.Alignment;
    }
}
